//! A shop to be asked wrong things: whatever it refuses must leave it as it was.

use serde_json::Value;

use crate::http::Answer;
use crate::server::Server;

/// A shop that has 10 TEA, 2 of them reserved as `kept`.
pub(crate) struct Shop {
    server: Server,
    before: Vec<Value>,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let server = Server::start();
        server.stocked("TEA", 10);
        server.reserve("kept", "TEA", 2).is(201);
        Self { before: server.everything(), server }
    }

    /// Sends one wrong request and sees that all is as before.
    #[track_caller]
    pub(crate) fn changes_nothing(&self, ask: impl FnOnce(&Server) -> Answer) -> Answer {
        let answer = ask(&self.server);
        assert_eq!(self.server.everything(), self.before);
        answer
    }
}

/// The one field that a problem points to.
#[track_caller]
pub(crate) fn pointer(answer: &Answer, status: u16, code: &str) -> String {
    let problem = answer.problem(status, code);
    let [error] = problem.errors.as_slice() else { panic!("not one field: {problem:?}") };
    assert!(!error.detail.is_empty());
    error.pointer.clone()
}
