//! Rates: who asks more often than his key may is told when to come back; others do not notice.

use super::ring::{Key, create, get_with, keys, locked, printed};
use crate::server::Server;
use crate::wait;

fn counts(server: &Server, key: &Key) {
    wait::until("the key counts", || (get_with(server, "/v1/stock", &key.text).status != 401).then_some(()));
}

#[test]
fn a_key_may_ask_as_often_as_it_says_and_both_keys_of_a_name_together() {
    let (server, owner) = locked();
    let slow = create(server.data(), "slow", &["--rate", "1"]);
    let next = printed(&keys(server.data(), &["rotate", &slow.id]));
    counts(&server, &next);
    counts(&server, &slow);
    let refused = wait::until("the rate is used up", || {
        let answers = [&slow, &next].map(|key| get_with(&server, "/v1/stock", &key.text));
        // One a second: of two that come together one at most is let in, whichever key it has.
        answers.into_iter().find(|answer| answer.status == 429)
    });
    assert!(refused.problem(429, "RATE_LIMITED").detail.contains("1 requests a second"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("ratelimit"), Some("\"key\";r=0;t=1"));
    assert_eq!(refused.header("ratelimit-policy"), Some("\"key\";q=1;w=1"));
    let answer = get_with(&server, "/v1/stock", &owner.text).is(200);
    assert!(answer.header("ratelimit").is_none(), "nothing is said of a rate that there is not");
    let again = wait::until("it is let in again", || {
        let answer = get_with(&server, "/v1/stock", &slow.text);
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(again.header("ratelimit-policy"), Some("\"key\";q=1;w=1"));
}
