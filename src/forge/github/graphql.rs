//! Questions and changes that only GraphQL knows. Layer 3.
//!
//! An answer may hold data and errors together; both are handed on, and the caller matches errors with what it asked for
//! by their path. Values travel as variables, never inside the query.

use serde::Deserialize;
use serde_json::{Value, json};

use super::classify::{Operation, brief};
use super::client::{Ask, Client, decode};
use super::governor::Load;
use crate::forge::{ForgeError, ForgeResult};

/// What GraphQL answered.
#[derive(Debug, Default, Deserialize)]
pub(super) struct GraphAnswer {
    #[serde(default)]
    pub(super) data: Value,
    #[serde(default)]
    pub(super) errors: Vec<GraphError>,
}

/// One error of an answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct GraphError {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: String,
    pub(super) path: Vec<Value>,
    extensions: Value,
}

impl GraphError {
    /// Returns the port's error for it.
    pub(super) fn to_error(&self, what: &str, operation: Operation) -> ForgeError {
        let told = format!("{what}: {}", brief(&self.message));
        match self.kind.as_str() {
            "NOT_FOUND" => ForgeError::NotFound(told),
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => ForgeError::Denied(told),
            "UNPROCESSABLE" | "STALE_DATA" => ForgeError::Conflict(told),
            // A field that this server does not have, or a query that it cannot read.
            "" if self.extensions["code"].is_string() || self.message.contains("doesn't exist on type") => {
                ForgeError::Invalid(told)
            }
            _ => operation.unclear(told),
        }
    }

    /// Returns the alias that it is about.
    pub(super) fn alias(&self) -> Option<&str> {
        self.path.first().and_then(Value::as_str)
    }
}

impl Client {
    /// Asks GraphQL; an answer without data is the first error.
    pub(super) async fn graphql(
        &self,
        owner: &str,
        operation: Operation,
        query: &str,
        variables: &Value,
        what: &str,
    ) -> ForgeResult<GraphAnswer> {
        let load = if operation == Operation::Read { Load::Read } else { Load::Write };
        let body = json!({ "query": query, "variables": variables });
        let ask = Ask { operation, load, ..Ask::create(self.address.graphql().to_owned(), &body, what) };
        let answer = self.send(&ask.for_owner(owner)).await?;
        let answer: GraphAnswer = decode(operation, what, &answer)?;
        if answer.errors.iter().any(|error| error.kind == "RATE_LIMITED") {
            return Err(ForgeError::RateLimited { until: self.graphql_refused(owner) });
        }
        match answer.errors.first() {
            Some(error) if answer.data.is_null() => Err(error.to_error(what, operation)),
            None if answer.data.is_null() => Err(operation.unclear(format!("{what}: an answer without data"))),
            _ => Ok(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_errors_come_together() {
        let text = r#"{"data":{"r0":{"x":1},"r1":null},"errors":[{"type":"NOT_FOUND","path":["r1"],"message":"no"}]}"#;
        let answer: GraphAnswer = serde_json::from_str(text).expect("an answer");
        assert_eq!(answer.data["r0"]["x"], 1);
        assert_eq!(answer.errors[0].alias(), Some("r1"));
        assert!(matches!(answer.errors[0].to_error("x", Operation::Read), ForgeError::NotFound(_)));
    }

    #[test]
    fn a_field_that_the_server_does_not_have_can_never_work() {
        let text = r#"{"errors":[
            {"message":"Field 'updateRefs' doesn't exist on type 'Mutation'"},
            {"message":"?","path":["query","x"],"extensions":{"code":"undefinedField"}},
            {"message":"Something went wrong while executing your query."}
        ]}"#;
        let answer: GraphAnswer = serde_json::from_str(text).expect("an answer");
        let errors: Vec<ForgeError> = answer.errors.iter().map(|e| e.to_error("x", Operation::Idempotent)).collect();
        assert!(matches!(errors[..], [ForgeError::Invalid(_), ForgeError::Invalid(_), ForgeError::Ambiguous(_)]));
    }
}
