//! schemathesis on a real server: whatever the OpenAPI document allows is asked, and every answer is held against it.

mod process;
mod tool;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use self::process::Process;
pub(crate) use self::tool::provide;
use crate::sh::{Cmd, root, step};

const PROGRAM: &str = "target/release/comanda";
const CONFIG: &str = "xtask/schemathesis/schemathesis.toml";
const HOOKS: &str = "xtask/schemathesis/hooks.py";
const SHOP: &str = "crates/comanda/tests/shop.json";

/// What is asked where nobody says otherwise: the same each time.
const SEED: u64 = 7;

/// Requests of each operation that are made up, beside those that follow from its description.
const EXAMPLES: u64 = 12;

/// The most time schemathesis may take.
const LIMIT: Duration = Duration::from_secs(480);

/// How it is asked.
pub(crate) struct Asked {
    /// What is asked follows from it.
    pub(crate) seed: u64,
    /// Made-up requests of each operation.
    pub(crate) examples: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self { seed: SEED, examples: EXAMPLES }
    }
}

/// Runs the test and its control, each as a step, on a release binary that is there.
pub(crate) fn run(asked: &Asked) -> Result<()> {
    step("the tool that asks what the description allows", provide)?;
    let name = format!("schemathesis: the server does what its description says (seed {})", asked.seed);
    step(&name, || with_shop(|shop| shop.ask(asked)))?;
    step("the control of that test: a description with one wrong schema is caught", || with_shop(Shop::catches))
}

/// A server with things in it, locked with a key.
struct Shop {
    server: Process,
    folder: PathBuf,
    key: String,
}

/// Opens a shop, does `what` with it, and sees that it is sound afterwards: no answer was our fault, and the books are right.
fn with_shop(what: impl FnOnce(&Shop) -> Result<()>) -> Result<()> {
    let folder = root().join("target/schemathesis-shop");
    // What an earlier run has left.
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let carrier = Process::start(PROGRAM, &["carrier", "--listen", "127.0.0.1:0"])?;
    let data = folder.join("data").display().to_string();
    let create =
        ["keys", "create", "--name", "schemathesis", "--scopes", "queries,commands,operations", "--data", &data];
    let key = Cmd::new(PROGRAM, create).stdout(Duration::from_secs(30))?.trim().to_owned();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--auth", "required", "--webhooks-to-loopback", "--data", &data];
    let server = Process::start(PROGRAM, &[&serve[..], &["--carrier-at", &carrier.url]].concat())?;
    let shop = Shop { server, folder, key };
    shop.script("open", &[SHOP])?;
    what(&shop)?;
    no_fault_of_ours(&shop.script("metrics", &[])?)?;
    shop.server.stop()?;
    Cmd::new(PROGRAM, ["verify", "--data", &data]).run()
}

impl Shop {
    fn script(&self, what: &str, more: &[&str]) -> Result<String> {
        let arguments = ["xtask/schemathesis/shop.py", what, &self.server.url, &self.key];
        Cmd::new(&tool::program("python"), arguments.iter().chain(more).copied()).stdout(Duration::from_secs(120))
    }

    /// Asks all that the description allows.
    fn ask(&self, asked: &Asked) -> Result<()> {
        let path = self.folder.join("openapi.json");
        fs::write(&path, document()?.to_string())?;
        self.schemathesis(asked, &path, &[]).stdout(LIMIT).map(|said| print!("{said}"))
    }

    fn schemathesis(&self, asked: &Asked, document: &Path, more: &[&str]) -> Cmd {
        let (seed, examples) = (asked.seed.to_string(), asked.examples.to_string());
        let authorization = format!("Authorization: Bearer {}", self.key);
        let absolute = |path: &str| root().join(path).display().to_string();
        let (document, hooks, config) = (document.display().to_string(), absolute(HOOKS), absolute(CONFIG));
        let fixed = ["--config-file", &config, "run", &document, "--url", &self.server.url, "--header", &authorization];
        let bounds = ["--seed", &seed, "--max-examples", &examples, "--max-failures", "50", "--request-timeout", "20"];
        // Curl lines that can be pasted, but for the key: it opens nothing any more.
        let shown = ["--no-color", "--continue-on-failure", "--output-sanitize", "false", "--warnings", "off"];
        let arguments = fixed.iter().chain(&bounds).chain(&shown).chain(more).copied();
        // It keeps notes in a folder where it runs: not in ours.
        Cmd::new(&tool::program("st"), arguments).env("SCHEMATHESIS_HOOKS_FILE", &hooks).within(&self.folder)
    }

    /// The control: in the document a listed SKU's version is a text, which it is not.
    fn catches(&self) -> Result<()> {
        let mut document = document()?;
        let version = document.pointer_mut("/components/schemas/Page_Sku/properties/items/items/properties/version");
        *version.context("a SKU has no version any more: break another schema")? = json!({ "type": "string" });
        let path = self.folder.join("broken.json");
        fs::write(&path, document.to_string())?;
        let only = ["--include-operation-id", "listSkus", "--phases", "examples,coverage"];
        let said = self.schemathesis(&Asked::default(), &path, &only).fails().stdout(LIMIT)?;
        ensure!(said.contains("Response violates schema"), "the wrong schema was not noticed: {said}");
        println!("the control was caught");
        Ok(())
    }
}

/// The description, as the program prints it.
fn document() -> Result<Value> {
    let printed = Cmd::new(PROGRAM, ["openapi"]).stdout(Duration::from_secs(30))?;
    serde_json::from_str(&printed).context("`comanda openapi` prints no JSON")
}

/// No request was answered with 5xx.
fn no_fault_of_ours(metrics: &str) -> Result<()> {
    let counted = metrics.lines().filter(|line| line.starts_with("http_requests_total"));
    let lines: Vec<&str> = counted.collect();
    ensure!(lines.iter().any(|line| line.contains("status=\"2xx\"")), "the metrics count no request: {metrics}");
    let faults: Vec<_> = lines.iter().filter(|line| line.contains("status=\"5xx\"") && !line.ends_with(" 0")).collect();
    ensure!(faults.is_empty(), "requests were answered with 5xx: {faults:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_noticed_and_metrics_that_count_nothing_are_too() {
        let line = |status: &str, count: u64| {
            format!("http_requests_total{{route=\"/v1/skus\",method=\"GET\",status=\"{status}\"}} {count}\n")
        };
        no_fault_of_ours(&(line("2xx", 3) + &line("5xx", 0))).unwrap();
        assert!(no_fault_of_ours(&(line("2xx", 3) + &line("5xx", 1))).is_err());
        assert!(no_fault_of_ours("# nothing\n").is_err());
    }
}
