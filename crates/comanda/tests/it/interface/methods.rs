//! Methods and media types: HEAD wherever GET is, 405 with `Allow`, and a problem for whatever is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Document;
use super::shop::{Shop, path_of};

/// The methods of each path of the document, and an address of it.
fn paths() -> BTreeMap<String, (BTreeSet<String>, String)> {
    let mut paths: BTreeMap<_, (BTreeSet<String>, String)> = BTreeMap::new();
    for operation in Document::printed().operations() {
        let entry = paths.entry(operation.path.clone()).or_default();
        entry.1 = path_of(&operation);
        if operation.method == "GET" {
            entry.0.insert("HEAD".to_owned());
        }
        entry.0.insert(operation.method);
    }
    assert!(paths.len() > 80, "only {} paths", paths.len());
    paths
}

#[test]
fn head_answers_what_get_answers_without_its_body() {
    let shop = Shop::open();
    for read in Document::printed().reads() {
        let path = path_of(&read);
        let (get, head) = (shop.server.get(&path), shop.server.request("HEAD", &path).send());
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        for name in ["content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
        if read.is_list_by_parts() || get.header("etag").is_some() {
            assert!(head.header("content-length").is_some(), "{path}");
        }
    }
}

#[test]
fn a_method_that_a_path_does_not_have_is_refused_and_those_it_has_are_named() {
    let shop = Shop::open();
    for (pattern, (methods, path)) in paths() {
        let allowed = |header: Option<&str>| -> BTreeSet<String> {
            header.unwrap_or_default().split(',').map(|method| method.trim().to_owned()).collect()
        };
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            if !methods.contains(method) {
                let answer = shop.server.request(method, &path).send();
                answer.problem(405, "METHOD_NOT_ALLOWED");
                assert_eq!(allowed(answer.header("allow")), methods, "{method} {pattern}");
            }
        }
        let answer = shop.server.request("OPTIONS", &path).send();
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{pattern}");
        assert_eq!(allowed(answer.header("allow")), methods, "OPTIONS {pattern}");
    }
}

#[test]
fn whoever_takes_no_json_is_told_before_anything_is_done() {
    let shop = Shop::open();
    let before = shop.server.everything();
    for operation in Document::printed().operations() {
        let path = path_of(&operation);
        let answer = shop.server.request(&operation.method, &path).header("accept", "text/html, image/*").send();
        answer.problem(406, "NOT_ACCEPTABLE");
    }
    assert_eq!(shop.server.everything(), before);
    shop.server.request("GET", "/v1/skus").header("accept", "text/html, application/*;q=0.2").send().is(200);
}

#[test]
fn a_body_of_another_kind_or_too_large_is_refused_and_changes_nothing() {
    let shop = Shop::open();
    let before = shop.server.everything();
    let taking = Document::printed().operations().into_iter().filter(|at| at.described["requestBody"].is_object());
    let mut asked = 0;
    for operation in taking {
        let path = path_of(&operation);
        let send = |kind: &str, body: Vec<u8>| shop.server.request(&operation.method, &path).body(kind, body).send();
        send("text/plain", b"{}".to_vec()).problem(415, "UNSUPPORTED_MEDIA_TYPE");
        send("application/json", vec![b' '; 300 * 1024]).problem(413, "BODY_TOO_LARGE");
        asked += 1;
    }
    assert!(asked > 30, "only {asked} take a body");
    assert_eq!(shop.server.everything(), before);
    shop.server.get("/v1/nowhere").problem(404, "NOT_FOUND");
}
