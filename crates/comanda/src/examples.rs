//! Examples for the help of each command: what one would type first, and why.

use clap::Command;

/// An example: what for, and what to type.
type Example = (&'static str, &'static str);

/// Columns of a line of an example: help is written for narrow windows.
const COLUMNS_MAX: usize = 92;

/// Of each command, by the words that name it; of the program itself under none.
const EXAMPLES: &[(&[&str], &[Example])] = &[
    (
        &[],
        &[
            ("see what it does, in half a minute", "comanda demo"),
            ("serve on an empty folder, on this machine only", "comanda serve --data /srv/comanda"),
            ("once it is stopped: prove that nothing differs from the log", "comanda verify --data /srv/comanda"),
        ],
    ),
    (
        &["serve"],
        &[
            ("everything in one process, on this machine only", "comanda serve --data /srv/comanda"),
            (
                "in two processes, each with its contexts",
                "comanda serve --data /srv/stock --listen 127.0.0.1:8081 --roles inventory --fulfillment-at http://127.0.0.1:8080",
            ),
            (
                "the other one, which answers for both",
                "comanda serve --data /srv/orders --roles fulfillment,gateway --inventory-at http://127.0.0.1:8081",
            ),
            (
                "where others can reach it: encrypted, and with keys (see `comanda keys`)",
                "comanda serve --data /srv/comanda --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem",
            ),
        ],
    ),
    (
        &["demo"],
        &[
            ("a shop of its own, which stays up to be tried", "comanda demo"),
            ("for a script: the report as JSON, and the end", "comanda demo --exit --json"),
            ("with your own orders", "comanda demo --orders orders.csv.gz --stock-changes changes.csv.gz"),
        ],
    ),
    (&["backup"], &[("while the server runs", "comanda backup --data /srv/comanda --to /mnt/backups/2026-11-28")]),
    (
        &["restore"],
        &[
            (
                "a rehearsal: everything is checked and nothing kept",
                "comanda restore --from /mnt/backups/2026-11-28 --data /srv/new --dry-run",
            ),
            (
                "into a new folder, which can then be served",
                "comanda restore --from /mnt/backups/2026-11-28 --data /srv/new",
            ),
        ],
    ),
    (&["verify"], &[("the folder of a server that is stopped", "comanda verify --data /srv/comanda")]),
    (
        &["import"],
        &[
            (
                "a file that a counting has filled",
                "comanda import stock.csv --reason cycle_count --reference count-2026-11",
            ),
            ("from one server to another", "comanda export - | comanda import - --addr 127.0.0.1:9090"),
        ],
    ),
    (
        &["export"],
        &[
            ("all of it", "comanda export stock.csv"),
            ("some of it, to be looked at", "comanda export --sku-prefix TEA - | head"),
        ],
    ),
    (
        &["config"],
        &[("what a server with this file would run with", "comanda config --data /srv/comanda --config comanda.toml")],
    ),
    (
        &["events", "tail"],
        &[
            ("all that happens from now on", "comanda events tail"),
            ("the life of one order so far", "comanda events tail --subject order-1 --from-start --no-follow"),
            ("for a program", "comanda events tail --context inventory --type stock --json"),
        ],
    ),
    (
        &["keys", "create"],
        &[
            ("a shop's backend", "comanda keys create --data /srv/comanda --name web-shop"),
            (
                "whoever looks after the server",
                "comanda keys create --data /srv/comanda --name ann --scopes queries,operations",
            ),
            (
                "a bounded one, of another tenant",
                "comanda keys create --data /srv/comanda --name kiosk --tenant acme --rate 20 --units-held-max 500",
            ),
        ],
    ),
    (&["keys", "list"], &[("who can come in", "comanda keys list --data /srv/comanda")]),
    (
        &["keys", "rotate"],
        &[("a new one, while the old one goes on for a day", "comanda keys rotate k7f3q9xz --data /srv/comanda")],
    ),
    (&["keys", "revoke"], &[("it got lost", "comanda keys revoke k7f3q9xz --data /srv/comanda")]),
    (&["openapi"], &[("for a generator of clients", "comanda openapi > openapi.json")]),
    (&["asyncapi"], &[("for a generator of consumers", "comanda asyncapi > asyncapi.json")]),
    (
        &["completions"],
        &[("for bash", "comanda completions bash > ~/.local/share/bash-completion/completions/comanda")],
    ),
    (
        &["projections", "list"],
        &[
            ("of a running server", "comanda projections list"),
            ("of a stopped one", "comanda projections list --data /srv/comanda"),
        ],
    ),
    (
        &["projections", "rebuild"],
        &[
            ("would a new build differ? changes nothing", "comanda projections rebuild stock --compare-only"),
            ("build it, compare, swap it in", "comanda projections rebuild stock"),
        ],
    ),
    (&["projections", "swap-back"], &[("the build before the last swap", "comanda projections swap-back stock")]),
    (
        &["carrier"],
        &[(
            "one that is slow, fails and says yes unheard; then `comanda serve --carrier-at http://127.0.0.1:8090`",
            "comanda carrier --slow-ms 200 --fail-percent 10 --timeout-after-yes-percent 20",
        )],
    ),
    (
        &["load", "flash-sale"],
        &[(
            "500 units, 5,000 buyers, on a server that runs",
            "comanda load flash-sale --sku LAMP --stock 500 --buyers 5000",
        )],
    ),
    (&["load", "crash"], &[("twenty kills, in half a minute", "comanda load crash --kills 20")]),
    (&["load", "faults"], &[("two shops of 300 orders", "comanda load faults --seeds 2 --orders-per-seed 300")]),
];

/// `command` with its examples, and those of the commands below it, at the end of each help.
pub(crate) fn with_examples(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (words, examples)| add(command, words, &written(examples)))
}

fn add(command: Command, words: &[&'static str], text: &str) -> Command {
    match words.split_first() {
        None => command.after_help(text.to_owned()),
        Some((first, rest)) => command.mut_subcommand(first, |below| add(below, rest, text)),
    }
}

fn written(examples: &[Example]) -> String {
    let lines = examples.iter().map(|(what_for, line)| format!("  # {what_for}\n  {}", broken(line)));
    format!("Examples:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// A long line goes on below, as a shell would have it.
fn broken(line: &str) -> String {
    let mut parts = line.split(" --");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut columns = text.len();
    for part in parts {
        if columns + part.len() > COLUMNS_MAX {
            text.push_str(" \\\n     ");
            columns = 5;
        }
        text.push_str(" --");
        text.push_str(part);
        columns += part.len() + 3;
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    /// The command lines of an example: what stands between pipes, without where the output goes.
    fn lines(example: &str) -> Vec<Vec<&str>> {
        let line = example.split(" > ").next().unwrap();
        let parts = line.split(" | ").map(|part| part.split(' ').collect::<Vec<_>>());
        parts.filter(|words| words[0] == "comanda").collect()
    }

    fn leaves(command: &Command, words: &mut Vec<String>, found: &mut Vec<String>) {
        if command.get_subcommands().next().is_none() {
            found.push(words.join(" "));
        }
        for below in command.get_subcommands() {
            words.push(below.get_name().to_owned());
            leaves(below, words, found);
            words.pop();
        }
    }

    #[test]
    fn every_command_has_an_example() {
        let mut all = Vec::new();
        leaves(&Cli::command(), &mut Vec::new(), &mut all);
        let with: Vec<String> = EXAMPLES.iter().map(|(words, _)| words.join(" ")).collect();
        let without: Vec<&String> = all.iter().filter(|words| !with.contains(words)).collect();
        assert!(without.is_empty(), "add examples for {without:?}");
    }

    #[test]
    fn every_example_is_a_command_line_that_is_understood() {
        for (words, examples) in EXAMPLES {
            for (_, example) in *examples {
                let lines = lines(example);
                assert!(!lines.is_empty(), "{example}");
                for line in lines {
                    let read = Cli::command().try_get_matches_from(&line);
                    assert!(read.is_ok(), "{example}: {}", read.unwrap_err());
                }
                assert!(words.is_empty() || example.contains(&words.join(" ")), "{example} is none of {words:?}");
            }
        }
    }

    #[test]
    fn the_help_shows_them() {
        let mut command = with_examples(Cli::command());
        let help = command.find_subcommand_mut("keys").unwrap().find_subcommand_mut("create").unwrap().render_help();
        assert!(help.to_string().contains("comanda keys create --data /srv/comanda --name web-shop"), "{help}");
    }

    #[test]
    fn a_long_example_goes_on_below() {
        let long = format!("comanda serve --data {} --roles gateway --auth required", "d".repeat(80));
        let broken = broken(&long);
        assert!(broken.ends_with(" \\\n      --roles gateway --auth required"), "{broken}");
        assert_eq!(broken.replace(" \\\n     ", ""), long);
    }
}
