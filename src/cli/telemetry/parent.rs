//! The header of W3C Trace Context, as an environment hands it over in `TRACEPARENT`. Layer 5.

/// The span that started this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parent {
    /// The trace, 32 hexadecimal digits.
    pub(crate) trace: String,
    /// The span, 16 hexadecimal digits.
    pub(crate) span: String,
    /// Whether its trace is recorded.
    pub(crate) sampled: bool,
}

impl Parent {
    /// Reads a header; nothing where it is none (W3C Trace Context, level 1, section 3.2: ids of zeros and version `ff`
    /// are invalid, a later version may have more fields).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.trim().split('-');
        let [version, trace, span, flags] = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
        let fits = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
        let zero = |id: &str| id.bytes().all(|byte| byte == b'0');
        let more = fields.next().is_some();
        if !fits || version == "ff" || zero(trace) || zero(span) || (version == "00" && more) {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { trace: trace.to_owned(), span: span.to_owned(), sampled })
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_header_names_the_trace_the_span_and_whether_it_is_recorded() {
        let parent = Parent::parse(&format!("00-{TRACE}-00f067aa0ba902b7-01\n"));
        let expected = Parent { trace: TRACE.to_owned(), span: "00f067aa0ba902b7".to_owned(), sampled: true };
        assert_eq!(parent.as_ref(), Some(&expected));
        let later = Parent::parse(&format!("cc-{TRACE}-00f067aa0ba902b7-00-more"));
        assert_eq!(later, Some(Parent { sampled: false, ..expected }));
    }

    #[test]
    fn what_is_no_header_is_nothing() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}é-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(Parent::parse(&text), None, "{text}");
        }
    }
}
