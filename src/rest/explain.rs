//! Which operations run for a call, for people who explore.
//!
//! A task-local collects them, so that no route has to know of it. Outside of [`explain`] nothing is kept.

use std::cell::RefCell;

use async_graphql::{Value, Variables};

use super::Prepared;
use crate::error::{Error, Result};

tokio::task_local! {
    static LOOKED_AT: LookedAt;
}

/// How a call is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// It is carried out, but for one that follows changes.
    Run,
    /// Its first operation is not run: nothing is read and nothing is changed.
    Dry,
}

#[derive(Debug)]
struct LookedAt {
    look: Look,
    seen: RefCell<Vec<Seen>>,
}

/// An operation that ran for a call, or was about to.
#[derive(Debug)]
pub struct Seen {
    /// Its name in [`super::OPERATIONS`].
    pub name: &'static str,
    /// Its document.
    pub text: &'static str,
    pub variables: Variables,
    /// What it answered, if it ran: its data, which may hold what is written already, or its error.
    pub answer: Option<Result<Value>>,
}

/// Does `call` and answers, beside its outcome, which operations ran for it.
pub async fn explain<T>(look: Look, call: impl Future<Output = T>) -> (T, Vec<Seen>) {
    let collected = async { (call.await, LOOKED_AT.with(|looked_at| looked_at.seen.take())) };
    LOOKED_AT.scope(LookedAt { look, seen: RefCell::default() }, collected).await
}

/// Takes down that an operation is about to run.
///
/// # Errors
/// Some error, which nobody is told, when it is looked at so closely that it must not run.
pub(super) fn begins(operation: &Prepared, variables: &Variables, not_under: Look) -> Result<()> {
    let look = LOOKED_AT.try_with(|looked_at| {
        let (name, text, variables) = (operation.name, operation.text, variables.clone());
        looked_at.seen.borrow_mut().push(Seen { name, text, variables, answer: None });
        looked_at.look
    });
    match look {
        Ok(look) if look >= not_under => Err(Error::BadRequest("It is only looked at.".to_owned())),
        // Nobody looks.
        _ => Ok(()),
    }
}

/// Takes down what the operation that began last has answered.
pub(super) fn ends(answer: &Result<Value>) {
    let _ = LOOKED_AT.try_with(|looked_at| {
        if let Some(seen) = looked_at.seen.borrow_mut().last_mut() {
            seen.answer = Some(answer.clone());
        }
    });
}
