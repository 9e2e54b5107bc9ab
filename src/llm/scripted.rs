//! Models that answer what they were told to, for demonstrations without a provider and for tests. Layer 3.
//!
//! It is held to the same bounds as a real one: an answer that is longer than allowed is cut off and counted, and nothing
//! is answered that was not scripted.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Answer, Bounds, Finish, Llm, LlmError, Payload, Request};
use crate::model::Tokens;
use crate::redact::Redacted;

/// A provider whose every answer was written beforehand.
#[derive(Debug, Default)]
pub struct Scripted {
    left: Mutex<VecDeque<Result<Answer, LlmError>>>,
    asked: Mutex<Vec<Payload>>,
}

impl Scripted {
    /// Makes one that gives these answers in order.
    pub fn new(answers: impl IntoIterator<Item = Result<Answer, LlmError>>) -> Self {
        Self { left: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() }
    }

    /// Makes one that gives these texts in order, each counted as one token for four bytes.
    pub fn saying<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::new(texts.into_iter().map(|text| Ok(answer(text.into()))))
    }

    /// Returns every body that it was asked with.
    pub fn asked(&self) -> Vec<Payload> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Makes an ordinary answer of a text.
fn answer(text: String) -> Answer {
    let output = u64::try_from(text.len() / 4 + 1).unwrap_or(u64::MAX);
    let usage = Tokens { input: 1000, output, ..Tokens::default() };
    Answer { text, model: None, usage: Some(usage), finish: Finish::Stop, request_id: None }
}

#[async_trait]
impl Llm for Scripted {
    fn system(&self) -> &'static str {
        "homeostat.scripted"
    }

    fn payload(&self, request: &Request<'_>) -> Payload {
        let prompt = request.prompt;
        let parts = [&prompt.system, &prompt.context, &prompt.task].map(Redacted::as_str);
        let body = serde_json::json!({ "model": request.model, "max_output": request.max_output, "prompt": parts });
        Payload::new(request.model, body.to_string().into_bytes())
    }

    async fn send(&self, payload: &Payload, bounds: Bounds) -> Result<Answer, LlmError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(payload.clone());
        let next = self.left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let answer = next.unwrap_or_else(|| Err(LlmError::NotSent("nothing more was scripted".to_owned())))?;
        if answer.text.len() > bounds.answer {
            let why = format!("it is longer than the {} bytes allowed", bounds.answer);
            return Err(LlmError::Unusable { why, usage: answer.usage });
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::Prompt;

    #[tokio::test]
    async fn it_says_what_was_scripted_in_order_and_then_nothing() {
        let model = Scripted::saying(["one", "two"]);
        let prompt = Prompt::default();
        let payload = model.payload(&Request { model: "m", prompt: &prompt, max_output: 10 });
        let said = async || model.send(&payload, Bounds::default()).await.map(|answer| answer.text);
        assert_eq!((said().await, said().await), (Ok("one".to_owned()), Ok("two".to_owned())));
        assert!(said().await.is_err_and(|error| error.is_free()));
        assert_eq!((model.asked().len(), model.asked()[0].sha256().len()), (3, 64));
    }

    #[tokio::test]
    async fn b_14_an_answer_longer_than_allowed_is_cut_off_and_what_was_counted_is_told() {
        let model = Scripted::saying(["x".repeat(11)]);
        let prompt = Prompt::default();
        let payload = model.payload(&Request { model: "m", prompt: &prompt, max_output: 10 });
        let error = model.send(&payload, Bounds { answer: 10, ..Bounds::default() }).await.expect_err("too long");
        assert!(matches!(&error, LlmError::Unusable { usage: Some(_), .. }) && !error.is_free(), "{error}");
    }
}
