//! What the program says: results on standard output, everything else on standard error. Who reads may leave at any time.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

use miette::{IntoDiagnostic, Result, WrapErr};

/// Prints a line of a result: `say!("{count} rows")?`. Once nobody reads any more nothing is printed, and that is no error:
/// `comanda … | head` has what it wanted.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::line(format_args!($($text)*)).map(drop)
    };
}

/// Prints a line for whoever watches, on standard error; if nobody can be told, nothing is lost.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::output::note(format_args!($($text)*))
    };
}

/// Whether anybody reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    Gone,
}

/// Prints a line on standard output.
///
/// # Errors
/// It cannot be written, as on a full disk; that nobody reads any more is none.
pub(crate) fn line(text: Arguments<'_>) -> Result<Reader> {
    let mut out = io::stdout().lock();
    heard(out.write_fmt(text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()))
}

/// What writing to standard output came to.
///
/// # Errors
/// As [`line`].
pub(crate) fn heard(written: io::Result<()>) -> Result<Reader> {
    match written {
        Ok(()) => Ok(Reader::There),
        Err(why) if why.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(why) => Err(why).into_diagnostic().wrap_err("cannot write to standard output"),
    }
}

/// Prints a line on standard error.
pub(crate) fn note(text: Arguments<'_>) {
    let mut err = io::stderr().lock();
    // There is nobody left to tell.
    let _told = err.write_fmt(text).and_then(|()| err.write_all(b"\n"));
}
