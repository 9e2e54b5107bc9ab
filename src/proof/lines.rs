//! Follows a line of one version of a file into another (PROTOCOL.md, 6 (1)). Layer 1.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Returns where line `line` (from 1) of `then` is in `now`; none inside a changed hunk.
pub fn line_through_diff(then: &str, now: &str, line: u32) -> Option<u32> {
    let (old, new): (Vec<&str>, Vec<&str>) = (then.lines().collect(), now.lines().collect());
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    capture_diff_slices(Algorithm::Myers, &old, &new).into_iter().find_map(|op| match op {
        DiffOp::Equal { old_index, new_index, len } if (old_index..old_index + len).contains(&at) => {
            u32::try_from(new_index + at - old_index + 1).ok()
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_moves_with_what_was_added_above_it_and_is_lost_where_it_changed() {
        let (then, now) = ("a\nb\nc\nd\n", "new\na\nb\nC\nd\n");
        assert_eq!(line_through_diff(then, now, 2), Some(3));
        assert_eq!(line_through_diff(then, now, 3), None);
        assert_eq!(line_through_diff(then, now, 4), Some(5));
        assert_eq!(line_through_diff(then, now, 99), None);
        assert_eq!(line_through_diff(then, now, 0), None);
    }
}
