//! Who depends on whom, as cargo resolved it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::sh::Cmd;

/// One package.
#[derive(Default)]
pub(crate) struct Package {
    /// Whether it is ours.
    pub(crate) ours: bool,
    /// Its licence as an SPDX expression, where it states one.
    pub(crate) licence: Option<String>,
    /// What its normal and build dependencies are called.
    uses: Vec<String>,
    /// What only its tests, examples and benches need.
    tests_use: Vec<String>,
    /// The features our manifest asks for, by dependency. Empty for packages that are not ours.
    asks: BTreeMap<String, Vec<String>>,
}

/// Every package of the workspace and beneath it, by name; two versions of one package count as one.
#[derive(Default)]
pub(crate) struct Graph {
    packages: BTreeMap<String, Package>,
}

impl Graph {
    /// Asks cargo.
    ///
    /// # Errors
    /// When `cargo metadata` fails, as it does when Cargo.lock is not up to date.
    pub(crate) fn load() -> Result<Self> {
        let text = Cmd::cargo(["metadata", "--locked", "--format-version", "1"]).stdout(Duration::from_secs(300))?;
        Ok(Self::from_metadata(&serde_json::from_str(&text).context("cargo metadata wrote no JSON")?))
    }

    fn from_metadata(metadata: &Value) -> Self {
        let mut names = BTreeMap::new();
        let mut graph = Self::default();
        let members: Vec<&str> = list(metadata, "/workspace_members").filter_map(Value::as_str).collect();
        for package in list(metadata, "/packages") {
            let (id, name) = (text(package, "/id"), text(package, "/name"));
            names.insert(id, name);
            let known = graph.packages.entry(name.to_owned()).or_default();
            known.licence = package.pointer("/license").and_then(Value::as_str).map(str::to_owned);
            known.ours = members.contains(&id);
            if known.ours {
                known.asks = list(package, "/dependencies").map(asked).collect();
            }
        }
        for node in list(metadata, "/resolve/nodes") {
            let Some(user) = names.get(text(node, "/id")).and_then(|name| graph.packages.get_mut(*name)) else {
                continue;
            };
            for dependency in list(node, "/deps") {
                let Some(used) = names.get(text(dependency, "/pkg")) else { continue };
                let only_tests = list(dependency, "/dep_kinds").all(|kind| text(kind, "/kind") == "dev");
                let to = if only_tests { &mut user.tests_use } else { &mut user.uses };
                to.push((*used).to_owned());
            }
        }
        graph
    }

    /// One package.
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.get(name)
    }

    /// Every package.
    pub(crate) fn packages(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.packages.iter().map(|(name, package)| (name.as_str(), package))
    }

    /// Whether a package is one of ours.
    pub(crate) fn is_ours(&self, name: &str) -> bool {
        self.package(name).is_some_and(|package| package.ours)
    }

    /// The features that a manifest of ours asks of one of its dependencies.
    pub(crate) fn features_asked(&self, package: &str, dependency: &str) -> &[String] {
        let asks = self.package(package).and_then(|package| package.asks.get(dependency));
        asks.map_or(&[], Vec::as_slice)
    }

    /// Everything `from` and its tests reach, each with a shortest chain of names that leads there.
    pub(crate) fn reached(&self, from: &str) -> BTreeMap<&str, Vec<&str>> {
        let mut chains: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let Some((start, package)) = self.packages.get_key_value(from) else { return chains };
        let first = package.uses.iter().chain(&package.tests_use).map(|used| vec![start.as_str(), used.as_str()]);
        let mut waiting: VecDeque<Vec<&str>> = first.collect();
        while let Some(chain) = waiting.pop_front() {
            let Some(&last) = chain.last() else { continue };
            if last == from || chains.contains_key(last) {
                continue;
            }
            // What the tests of a dependency need is no concern of its users.
            let next = self.package(last).map_or(&[][..], |package| &package.uses);
            waiting.extend(next.iter().map(|used| [chain.as_slice(), &[used.as_str()]].concat()));
            chains.insert(last, chain);
        }
        chains
    }
}

fn asked(dependency: &Value) -> (String, Vec<String>) {
    let features = list(dependency, "/features").filter_map(Value::as_str).map(str::to_owned);
    (text(dependency, "/name").to_owned(), features.collect())
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
impl Graph {
    /// Adds one of our packages; a dependency written `name/feature` is asked for that feature.
    pub(crate) fn add(&mut self, name: &str, dependencies: &[&str]) {
        let mut package = Package { ours: true, ..Package::default() };
        for dependency in dependencies {
            let (used, feature) = dependency.split_once('/').unwrap_or((dependency, ""));
            package.uses.push(used.to_owned());
            package.asks.insert(used.to_owned(), vec![feature.to_owned()]);
            self.packages.entry(used.to_owned()).or_default();
        }
        self.packages.insert(name.to_owned(), package);
    }

    /// States the licence of a package.
    pub(crate) fn license(&mut self, name: &str, licence: Option<&str>) {
        self.packages.entry(name.to_owned()).or_default().licence = licence.map(str::to_owned);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_chain_goes_through_normal_dependencies_and_the_first_package_s_tests() {
        let dep = |pkg: &str, kind: Value| json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] });
        let package = |id: &str| json!({ "id": id, "name": id, "license": "MIT", "dependencies": [] });
        let graph = Graph::from_metadata(&json!({
            "workspace_members": ["app", "lib"],
            "packages": [package("app"), package("lib"), package("db"), package("proptest")],
            "resolve": { "nodes": [
                { "id": "app", "deps": [dep("lib", Value::Null), dep("proptest", json!("dev"))] },
                { "id": "lib", "deps": [dep("db", Value::Null), dep("tempfile", json!("dev"))] },
                { "id": "db", "deps": [] },
                { "id": "proptest", "deps": [] },
            ] },
        }));
        let reached = graph.reached("app");
        assert_eq!(reached.keys().copied().collect::<Vec<_>>(), ["db", "lib", "proptest"]);
        assert_eq!(reached.get("db").unwrap(), &["app", "lib", "db"]);
        assert!(graph.is_ours("lib") && !graph.is_ours("db"));
        assert!(graph.reached("absent").is_empty());
    }

    #[test]
    fn a_circle_of_tests_ends() {
        let mut graph = Graph::default();
        graph.add("a", &["b"]);
        graph.add("b", &["a"]);
        assert_eq!(graph.reached("a").len(), 1);
    }
}
