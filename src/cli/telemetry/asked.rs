//! What the standard variables ask for. Layer 5.

use super::Get;

/// Whether traces are to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nobody asked.
    Nothing,
    /// To the endpoint that the variables name.
    Traces,
    /// Asked for in a way that is not there; in words.
    Unfit(String),
}

impl Asked {
    /// Reads the variables. An endpoint is what asks; there is no default one, since a run must open nothing by itself.
    pub(crate) fn read(get: Get<'_>) -> Self {
        let set = |name: &str| get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let of_traces = |name: &str| {
            set(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}")).or_else(|| set(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        if set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Self::Nothing;
        }
        let exporter = set("OTEL_TRACES_EXPORTER");
        let Some(endpoint) = of_traces("ENDPOINT").filter(|_| exporter.as_deref() != Some("none")) else {
            return Self::Nothing;
        };
        if let Some(other) = exporter.filter(|name| name != "otlp") {
            return Self::Unfit(format!("OTEL_TRACES_EXPORTER is {}, and only otlp and none are known", shown(&other)));
        }
        if let Some(other) = of_traces("PROTOCOL").filter(|name| name != "http/protobuf") {
            return Self::Unfit(format!("the protocol {} is not spoken; set http/protobuf", shown(&other)));
        }
        let lower = endpoint.to_ascii_lowercase();
        if !lower.starts_with("http://") && !lower.starts_with("https://") {
            return Self::Unfit("the endpoint is no address; write https://HOST:4318".to_owned());
        }
        Self::Traces
    }
}

/// Returns the secrets in the headers that go with each request, whole and without the word before a token.
pub(crate) fn secrets(get: Get<'_>) -> Vec<String> {
    let names = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];
    let lists: Vec<String> = names.into_iter().filter_map(get).collect();
    let values = lists.iter().flat_map(|list| list.split(',')).filter_map(|pair| pair.split_once('='));
    let mut found = Vec::new();
    for (_, value) in values {
        let value = value.trim();
        let token = value.rsplit([' ', '+']).next().unwrap_or(value);
        let token = token.rsplit_once("%20").map_or(token, |(_, token)| token);
        found.extend([value, token].map(str::to_owned));
    }
    found.dedup();
    found
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Asked {
        Asked::read(&|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    const AT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

    #[test]
    fn an_endpoint_asks_and_nothing_else_does() {
        assert_eq!(read(&[]), Asked::Nothing);
        assert_eq!(read(&[("OTEL_TRACES_EXPORTER", "otlp")]), Asked::Nothing);
        assert_eq!(read(&[AT]), Asked::Traces);
        assert_eq!(read(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "HTTPS://c/v1/traces")]), Asked::Traces);
        assert_eq!(read(&[AT, ("OTEL_SDK_DISABLED", "True")]), Asked::Nothing);
        assert_eq!(read(&[AT, ("OTEL_TRACES_EXPORTER", "none")]), Asked::Nothing);
    }

    #[test]
    fn what_is_not_there_is_said() {
        for set in [
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"),
        ] {
            assert!(matches!(read(&[AT, set]), Asked::Unfit(_)), "{set:?}");
        }
        let own =
            [AT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")];
        assert_eq!(read(&own), Asked::Traces, "the variable of traces wins");
    }

    #[test]
    fn headers_are_secrets_with_and_without_the_word_before_the_token() {
        let get = |name: &str| {
            (name == "OTEL_EXPORTER_OTLP_HEADERS").then(|| "authorization=Bearer%20tok-1,x-key= abc ".to_owned())
        };
        assert_eq!(secrets(&get), ["Bearer%20tok-1", "tok-1", "abc"]);
    }
}
