use commit_heat::{legend, render, Grid};

fn grid(days: &[usize]) -> Grid {
    let mut grid = Grid::default();
    for &day in days {
        grid.add(day);
    }
    grid
}

#[test]
fn an_empty_grid_paints_nothing() {
    assert!(render(&grid(&[])).is_empty());
}

#[test]
fn busy_days_are_darker() {
    assert_eq!(render(&grid(&[0, 0, 0, 1, 2, 2])), ["#.o    "]);
}

#[test]
fn later_weeks_follow() {
    assert_eq!(render(&grid(&[0, 13])), ["#      ", "      #"]);
}

#[test]
fn the_legend_sums_weekdays() {
    assert!(legend(&grid(&[1, 8, 15, 3])).starts_with("Tu 3, Th 1, Mo 0"));
}
