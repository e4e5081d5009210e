//! What the tests need from the machine: installed where we may, named where we may not.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Result, bail};

use crate::sh::Cmd;

/// A program some test runs.
struct Tool {
    command: &'static str,
    package: &'static str,
    why: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool { command: "strace", package: "strace", why: "a test counts fdatasync calls per durable batch" },
    Tool { command: "python3", package: "python3-venv", why: "schemathesis asks a server what its description allows" },
];

/// What to do about the tools that are missing.
#[derive(Debug, PartialEq)]
enum Plan {
    Nothing,
    Install(Vec<&'static str>),
    Stop(String),
}

/// Installs what is missing on Debian or Ubuntu as root; elsewhere says what is missing and stops.
pub(crate) fn provide() -> Result<()> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !on_path(tool.command)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    match plan(&missing, has_apt(&os_release), is_root()) {
        Plan::Nothing => Ok(()),
        Plan::Install(packages) => install(&packages),
        Plan::Stop(reason) => bail!(reason),
    }
}

/// Whether a command of this name is on the path.
pub(crate) fn on_path(command: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| is_in(&path, command))
}

fn is_in(path: &OsStr, command: &str) -> bool {
    env::split_paths(path).any(|folder| Path::new(&folder).join(command).is_file())
}

fn plan(missing: &[&Tool], has_apt: bool, is_root: bool) -> Plan {
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    if packages.is_empty() {
        return Plan::Nothing;
    }
    if has_apt && is_root {
        return Plan::Install(packages);
    }
    let reasons: Vec<String> = missing.iter().map(|tool| format!("`{}` ({})", tool.command, tool.why)).collect();
    let how = if has_apt { "sudo apt-get install" } else { "install with your package manager:" };
    Plan::Stop(format!("missing: {}; {how} {}", reasons.join(", "), packages.join(" ")))
}

fn has_apt(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|ids| ids.trim_matches('"').split(' '))
        .any(|id| id == "debian" || id == "ubuntu")
}

fn is_root() -> bool {
    Cmd::new("id", ["-u"]).stdout(Duration::from_secs(10)).is_ok_and(|id| id.trim() == "0")
}

fn install(packages: &[&str]) -> Result<()> {
    let install = || {
        Cmd::new("apt-get", ["install", "--yes", "--no-install-recommends"].iter().chain(packages).copied())
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run()
    };
    // A fresh machine may know no package list, or an old one: refresh it only then.
    install().or_else(|_| Cmd::new("apt-get", ["update"]).run().and_then(|()| install()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "NAME=\"Debian GNU/Linux\"\nID=debian\n";
    const MINT: &str = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
    const FEDORA: &str = "ID=fedora\nVERSION_ID=42\n";

    #[test]
    fn debian_and_its_children_have_apt() {
        assert!(has_apt(DEBIAN) && has_apt(MINT));
        assert!(!has_apt(FEDORA) && !has_apt(""));
    }

    #[test]
    fn root_installs_and_everybody_else_is_told() {
        let missing: Vec<&Tool> = TOOLS.iter().collect();
        assert_eq!(plan(&[], true, true), Plan::Nothing);
        assert_eq!(plan(&missing, true, true), Plan::Install(vec!["strace", "python3-venv"]));
        for (has_apt, is_root) in [(true, false), (false, true), (false, false)] {
            let Plan::Stop(reason) = plan(&missing, has_apt, is_root) else { panic!("it would have gone on") };
            assert!(reason.contains("strace") && reason.contains("fdatasync"), "{reason}");
        }
    }

    #[test]
    fn a_command_is_looked_for_in_every_folder_of_the_path() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tool"), "").unwrap();
        let path = env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        assert!(is_in(&path, "tool") && !is_in(&path, "other"));
    }
}
