//! The settings of a server: from flags, the environment or a file, and for each where it comes from (`comanda config`).
//!
//! A file speaks of the same settings by the same names as the flags. What it says is put on the command line where neither
//! a flag nor the environment has a say, so it is checked by the same rules and explained by the same help.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use miette::{IntoDiagnostic, Report, Result, WrapErr, miette};
use toml::Value;

use crate::cli::Cli;
use crate::serve;

/// The flag that names the file.
const FILE_FLAG: &str = "--config";

/// The variable that names the file.
const FILE_VARIABLE: &str = "COMANDA_CONFIG";

/// A file of settings is at most so large, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Commands whose settings can stand in a file.
const COMMANDS: [&str; 2] = ["serve", "config"];

/// Where settings may stand.
#[derive(Debug, Args)]
pub(crate) struct FileOption {
    /// A TOML file with settings, by the names of these flags without their dashes, as `listen = "127.0.0.1:8080"`. Flags and
    /// the environment have the last word.
    #[arg(long, value_name = "FILE", env = FILE_VARIABLE)]
    config: Option<PathBuf>,
}

/// What `config` can be told.
#[derive(Debug, Args)]
#[group(id = "config_options")]
pub(crate) struct Options {
    #[command(flatten)]
    serve: serve::Options,
    /// Print the settings as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// A command line, whole: with what a file says.
pub(crate) struct CommandLine {
    /// All arguments, the program's name first.
    pub(crate) arguments: Vec<OsString>,
    /// The settings that come from the file, by name.
    of_file: BTreeMap<String, PathBuf>,
    /// The settings that flags have given.
    given: Vec<String>,
}

impl CommandLine {
    /// Adds to `arguments` what the file they name says, or the file that the environment names.
    ///
    /// # Errors
    /// The file cannot be read, or says what is no setting.
    pub(crate) fn of(arguments: Vec<OsString>) -> Result<Self> {
        let given = arguments.iter().filter_map(|word| flag(word)).collect();
        let mut whole = Self { arguments, of_file: BTreeMap::new(), given };
        let asked = whole.arguments.get(1).and_then(|word| word.to_str());
        if !asked.is_some_and(|asked| COMMANDS.contains(&asked)) {
            return Ok(whole);
        }
        if let Some(file) = whole.file() {
            whole.add(&file)?;
        }
        Ok(whole)
    }

    /// The file with settings, if one is named.
    fn file(&self) -> Option<PathBuf> {
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            if word == FILE_FLAG {
                return words.next().map(PathBuf::from);
            }
            if let Some(file) = word.to_str().and_then(|word| word.strip_prefix(FILE_FLAG)?.strip_prefix('=')) {
                return Some(file.into());
            }
        }
        std::env::var_os(FILE_VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from)
    }

    fn add(&mut self, file: &Path) -> Result<()> {
        let said = read(file)?;
        let cli = Cli::command();
        let serve = cli.find_subcommand("serve").cloned().unwrap_or_default();
        let settings: BTreeMap<&str, &Arg> = settings(&serve).collect();
        for (name, value) in &said {
            let Some(setting) = settings.get(name.as_str()) else {
                let known: Vec<&str> = settings.keys().copied().collect();
                return Err(miette!(
                    help = format!("the settings are {}", known.join(", ")),
                    "{}: there is no setting `{name}`",
                    file.display()
                ));
            };
            if self.given.iter().any(|given| given == name) || environment(setting).is_some() {
                continue;
            }
            let words = words(name, value, setting).map_err(|why| miette!("{}: {name}: {why}", file.display()))?;
            self.arguments.extend(words.into_iter().map(OsString::from));
            self.of_file.insert(name.clone(), file.to_owned());
        }
        Ok(())
    }

    /// What is said of a wrong value that nobody has typed: it names where it stands. None if it was typed.
    pub(crate) fn complaint(&self, wrong: &clap::Error) -> Option<Report> {
        if !matches!(wrong.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals) {
            return None;
        }
        let Some(ContextValue::String(setting)) = wrong.get(ContextKind::InvalidArg) else { return None };
        let name = flag(OsStr::new(setting.split(' ').next()?))?;
        if self.given.contains(&name) {
            return None;
        }
        let place = match self.of_file.get(&name) {
            Some(file) => format!("{}, `{name}`", file.display()),
            None => format!("the environment variable {}", self.variable(&name)?),
        };
        let said = wrong.to_string();
        let said = said.split("\n\nFor more information").next().unwrap_or_default();
        let said = said.strip_prefix("error: ").unwrap_or(said).trim_end();
        Some(miette!(help = "mend it there; `--help` behind the command says what is right", "{place}: {said}"))
    }

    /// The variable that gives the flag `name` of the command its value, if it is set.
    fn variable(&self, name: &str) -> Option<String> {
        let mut command = &Cli::command();
        for word in self.arguments.iter().skip(1).map_while(|word| word.to_str()) {
            let Some(below) = command.find_subcommand(word) else { break };
            command = below;
        }
        environment(command.get_arguments().find(|setting| setting.get_long() == Some(name))?)
    }

    /// Prints each setting of a server with its value and where that comes from.
    ///
    /// # Errors
    /// Nobody reads the output any more.
    pub(crate) fn print(&self, options: &Options, matches: &ArgMatches) -> Result<()> {
        let cli = Cli::command();
        let serve = cli.find_subcommand("serve").cloned().unwrap_or_default();
        let rows: Vec<[String; 3]> = settings(&serve)
            .map(|(name, setting)| {
                let value = matches.get_raw(setting.get_id().as_str()).map(|values| {
                    values.map(|value| value.to_string_lossy().into_owned()).collect::<Vec<_>>().join(",")
                });
                [name.to_owned(), value.unwrap_or_default(), self.origin(name, setting)]
            })
            .collect();
        if options.json {
            let settings: Vec<_> = rows
                .iter()
                .map(|[name, value, origin]| serde_json::json!({"setting": name, "value": value, "origin": origin}))
                .collect();
            say!("{}", serde_json::to_string(&settings).into_diagnostic()?)?;
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["setting", "value", "from"]);
        table.add_rows(rows);
        say!("{table}")?;
        Ok(())
    }

    fn origin(&self, name: &str, setting: &Arg) -> String {
        if self.given.iter().any(|given| given == name) {
            return format!("--{name}");
        }
        if let Some(variable) = environment(setting) {
            return variable;
        }
        match self.of_file.get(name) {
            Some(file) => file.display().to_string(),
            None => "default".to_owned(),
        }
    }
}

/// The settings of a server, by the names of their flags.
fn settings(serve: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let named = serve.get_arguments().filter_map(|setting| Some((setting.get_long()?, setting)));
    named.filter(|(name, setting)| !setting.is_hide_set() && !["config", "help", "version"].contains(name))
}

/// The name of the flag that `word` is.
fn flag(word: &OsStr) -> Option<String> {
    let name = word.to_str()?.strip_prefix("--")?;
    Some(name.split('=').next().unwrap_or(name).to_owned())
}

/// The variable that gives `setting` its value, if it is set.
fn environment(setting: &Arg) -> Option<String> {
    let variable = setting.get_env()?;
    std::env::var_os(variable).map(|_| variable.to_string_lossy().into_owned())
}

fn read(file: &Path) -> Result<toml::Table> {
    let failed = || format!("cannot read the settings in {}", file.display());
    let size = std::fs::metadata(file).into_diagnostic().wrap_err_with(failed)?.len();
    if size > FILE_BYTES_MAX {
        return Err(miette!("{} has {size} bytes: settings need less than a megabyte", file.display()));
    }
    let text = std::fs::read_to_string(file).into_diagnostic().wrap_err_with(failed)?;
    text.parse::<toml::Table>().into_diagnostic().wrap_err_with(failed)
}

/// What is put on the command line for `name = value`.
fn words(name: &str, value: &Value, setting: &Arg) -> std::result::Result<Vec<String>, String> {
    if matches!(setting.get_action(), ArgAction::SetTrue) {
        return match value {
            Value::Boolean(true) => Ok(vec![format!("--{name}")]),
            Value::Boolean(false) => Ok(Vec::new()),
            _ => Err("is true or false".to_owned()),
        };
    }
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        _ => Err("is a text or a whole number, or a list of these".to_owned()),
    };
    let value = match value {
        Value::Array(values) => values.iter().map(text).collect::<std::result::Result<Vec<_>, _>>()?.join(","),
        one => text(one)?,
    };
    Ok(vec![format!("--{name}={value}")])
}
