use crate::grid::Grid;

const SHADES: [char; 4] = [' ', '.', 'o', '#'];

fn shade(count: u32, most: u32) -> char {
    if count == 0 {
        return SHADES[0];
    }
    let step = (count * 3).div_ceil(most.max(1));
    SHADES[(step as usize).min(SHADES.len() - 1)]
}

/// One text line a week.
pub fn render(grid: &Grid) -> Vec<String> {
    let most = grid.weeks().iter().flatten().copied().max().unwrap_or(0);
    grid.weeks().iter().map(|week| week.iter().map(|&n| shade(n, most)).collect()).collect()
}

/// The weekday names with their sums, busiest first.
pub fn legend(grid: &Grid) -> String {
    let names = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
    let mut rows: Vec<_> = names.iter().zip(grid.by_weekday()).collect();
    rows.sort_by_key(|&(_, sum)| std::cmp::Reverse(sum));
    rows.iter().map(|(name, sum)| format!("{name} {sum}")).collect::<Vec<_>>().join(", ")
}
