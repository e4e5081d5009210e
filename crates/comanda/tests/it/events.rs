//! `comanda events tail`: what happens is printed as it happens, and what is asked for alone.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::server::{Server, comanda, complaint, run};

fn all(server: &Server, more: &[&str]) -> Vec<String> {
    let addr = server.addr.to_string();
    let output = run(&[&["events", "tail", "--addr", &addr, "--from-start", "--no-follow"][..], more].concat());
    assert!(output.status.success(), "{}", complaint(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn what_has_happened_is_printed_whole_or_in_part() {
    let server = Server::start();
    server.stocked("TEA", 5);
    for order in ["o", "p"] {
        server.place(order, &[("TEA", 1)]).is(202);
        assert_eq!(server.answered(order), "RESERVED");
    }
    let placed = all(&server, &["--type", "order-placed"]);
    assert_eq!(placed.len(), 2, "{placed:?}");
    assert!(placed.iter().any(|line| line.contains("  fulfillment.order-placed.v1  o  {")), "{placed:?}");
    let of_one = all(&server, &["--subject", "p", "--context", "fulfillment", "--json"]);
    assert!(of_one.len() >= 3, "{of_one:?}");
    for line in &of_one {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!((event["subject"].as_str(), event["source"].as_str()), (Some("p"), Some("/fulfillment")));
    }
    let everything = all(&server, &[]);
    let of = |context: &str| everything.iter().filter(|line| line.contains(&format!("  {context}."))).count();
    assert!(of("inventory") >= 3 && of("fulfillment") >= 6, "{everything:?}");
}

#[test]
fn what_happens_next_is_printed_as_it_happens() {
    let server = Server::start();
    server.stocked("TEA", 100_000);
    server.place("before", &[("TEA", 1)]).is(202);
    assert_eq!(server.answered("before"), "RESERVED");
    let addr = server.addr.to_string();
    let mut command = comanda();
    command.args(["events", "tail", "--addr", &addr, "--type", "order-reserved"]).stdout(Stdio::piped());
    let mut tail = command.spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    // Nobody knows when it has begun to follow: orders come until it has seen one.
    let (seen, told) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || seen.send(lines.next().unwrap().unwrap()).unwrap());
    let mut count = 0;
    let line = crate::wait::until("an event is printed", || {
        server.place_by(&format!("o{count}"), "BACKORDER", &[("TEA", 1)]).is(202);
        count += 1;
        told.try_recv().ok()
    });
    assert!(line.contains("  fulfillment.order-reserved.v1  o"), "{line}");
    reader.join().unwrap();
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn a_feed_read_from_its_end_tells_what_happens_from_then_on() {
    let server = Server::start();
    server.stocked("TEA", 5);
    server.place("before", &[("TEA", 1)]).is(202);
    assert_eq!(server.answered("before"), "RESERVED");
    let read = |after: &str| server.get(&format!("/v1/events?context=fulfillment&after={after}")).is(200);
    let end = read("end");
    assert_eq!((end.json(), end.header("feed-more")), (json!([]), Some("false")));
    server.place("then", &[("TEA", 1)]).is(202);
    let events = read(end.header("feed-next").unwrap()).json();
    let subjects: Vec<_> = events.as_array().unwrap().iter().map(|event| event["subject"].as_str().unwrap()).collect();
    assert!(!subjects.is_empty() && subjects.iter().all(|subject| *subject == "then"), "{events}");
    server.get("/v1/events?context=fulfillment&after=End").problem(400, "INVALID_PARAMETER");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let output = run(&["events", "tail", "--addr", "127.0.0.1:9"]);
    assert!(output.status.code() == Some(2) && complaint(&output).contains("127.0.0.1:9"), "{}", complaint(&output));
}

#[test]
fn a_server_is_found_by_its_name() {
    let server = Server::start();
    server.stocked("TEA", 5);
    let port = server.addr.port();
    for addr in [format!("localhost:{port}"), format!("http://localhost:{port}")] {
        for words in
            [&["export", "-"][..], &["projections", "list"], &["events", "tail", "--from-start", "--no-follow"]]
        {
            let output = run(&[words, &["--addr", &addr]].concat());
            assert!(output.status.success(), "{addr} {words:?}: {}", complaint(&output));
        }
    }
    let output = run(&["export", "-", "--addr", "nowhere.invalid:1"]);
    assert!(
        output.status.code() == Some(2) && complaint(&output).contains("nowhere.invalid"),
        "{}",
        complaint(&output)
    );
}

#[test]
fn every_shell_gets_its_completions() {
    for (shell, word) in [("bash", "_comanda()"), ("zsh", "#compdef comanda"), ("fish", "complete -c comanda")] {
        let output = run(&["completions", shell]);
        let script = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(output.status.success() && script.contains(word) && script.contains("flash-sale"), "{shell}: {script}");
    }
    assert_eq!(run(&["completions", "tcsh"]).status.code(), Some(2));
}
