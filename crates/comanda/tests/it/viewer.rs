//! The pages of the interface: all they load is beside them.

use crate::server::Server;

/// What a page of `text` loads, by attribute `name`.
fn loads<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.split(name).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_pages_load_nothing_from_elsewhere() {
    let server = Server::start();
    let moved = server.get("/docs");
    assert_eq!((moved.status, moved.header("location")), (308, Some("/docs/")));
    let page = server.get("/docs/").is(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    let files: Vec<_> = loads(&text, "src=\"").into_iter().chain(loads(&text, "href=\"")).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert!(!file.contains("//"), "{file} is elsewhere");
        let found = server.get(&format!("/docs/{}", file.trim_start_matches("./"))).is(200);
        assert!(!found.body.is_empty() && found.header("x-content-type-options") == Some("nosniff"), "{file}");
    }
    assert!(!text.contains("<script>"), "the policy would not let it run");
    let start = server.get("/docs/swagger-initializer.js").is(200);
    let start = String::from_utf8(start.body.to_vec()).unwrap();
    assert!(start.contains("/openapi.json") && !start.contains("petstore") && start.contains("none"), "{start}");
    server.get("/docs/nothing.js").problem(404, "NOT_FOUND");
}
