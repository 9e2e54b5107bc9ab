//! Sizes as people read them.

const STEPS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Renders a size with one decimal in the largest unit that fits.
pub fn human(bytes: u64) -> String {
    for (name, size) in STEPS {
        if bytes >= size {
            let tenths = bytes * 10 / size;
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}
