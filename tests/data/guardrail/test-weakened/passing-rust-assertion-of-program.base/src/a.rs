pub fn add(a: u8, b: u8) -> u8 {
    assert!(a < 200);
    a + b
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(super::add(1, 2), 3);
    }
}
