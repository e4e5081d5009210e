//! `comanda export`: writes a catalogue and its stock as the CSV file that `comanda import` reads.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use comanda_contracts::{LocationStock, Page, Stock};
use comanda_load::{Call, CallError};
use miette::{IntoDiagnostic, Report, Result, WrapErr, miette};

use super::columns::COLUMNS;
use crate::asking::{Server, refused};
use crate::counted::counted;
use crate::output;

/// SKUs of one page.
const PAGE: usize = 200;

/// What the export can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The CSV file to write; `-` for standard output. It is there only once it is whole. It carries no locations, which
    /// have to be registered (`POST /v1/locations`) where it is imported before; nor who holds stock, nor what is to come,
    /// nor from when on and against what a SKU may be backordered: how many SKUs have such terms is said at the end.
    file: PathBuf,
    #[command(flatten)]
    server: Server,
    /// Only SKUs whose ids start so.
    #[arg(long, value_name = "PREFIX")]
    sku_prefix: Option<String>,
}

/// Writes what a running server has.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    options.server.introduce()?;
    if options.file == Path::new("-") {
        let written = write(&options, io::stdout().lock()).await;
        // Whoever reads may have seen enough, and that can show at any write.
        match written {
            Ok(written) => {
                note!("{}", counted(written.rows, "row"));
                written.warn();
            }
            Err(NotWritten::File(why)) => drop(output::heard(Err(why))?),
            Err(NotWritten::Refused(why)) => return Err(why),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let target = options.file.display();
    let folder = options.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let begun = tempfile::NamedTempFile::new_in(folder).into_diagnostic();
    let begun = begun.wrap_err_with(|| format!("cannot write into {}", folder.display()))?;
    let written = write(&options, begun.as_file()).await.map_err(|why| match why {
        NotWritten::File(why) => miette!("cannot write into {}: {why}", folder.display()),
        NotWritten::Refused(why) => why,
    })?;
    begun.as_file().sync_all().into_diagnostic()?;
    let _file: File =
        begun.persist(&options.file).into_diagnostic().wrap_err_with(|| format!("cannot write {target}"))?;
    say!("{} in {target}", counted(written.rows, "row"))?;
    written.warn();
    Ok(ExitCode::SUCCESS)
}

/// What has been written, and what has not.
#[derive(Default)]
struct Written {
    rows: u64,
    /// SKUs with terms of backorders, which no column carries.
    with_terms: u64,
}

impl Written {
    fn warn(&self) {
        if self.with_terms > 0 {
            note!(
                "The file does not carry from when on, or that only against what is to come, {} may be backordered: say so \
                 where it is imported, with PUT /v1/skus/{{sku}}/backorders.",
                counted(self.with_terms, "SKU")
            );
        }
    }
}

/// Why a file is not whole.
enum NotWritten {
    /// It cannot be written.
    File(io::Error),
    /// The server does not say what belongs into it.
    Refused(Report),
}

impl From<csv::Error> for NotWritten {
    fn from(why: csv::Error) -> Self {
        match why.into_kind() {
            csv::ErrorKind::Io(why) => Self::File(why),
            // A row is as long as the header, so there is no other.
            other => Self::File(io::Error::other(format!("{other:?}"))),
        }
    }
}

impl From<CallError> for NotWritten {
    fn from(why: CallError) -> Self {
        Self::Refused(Report::from_err(why))
    }
}

async fn write(options: &Options, file: impl Write) -> Result<Written, NotWritten> {
    let mut csv = csv::Writer::from_writer(BufWriter::new(file));
    let (mut client, mut written, mut cursor) = (options.server.client(), Written::default(), None::<String>);
    loop {
        let mut path = format!("/v1/stock?limit={PAGE}");
        if let Some(prefix) = &options.sku_prefix {
            path.push_str(&format!("&skuPrefix={prefix}"));
        }
        if let Some(cursor) = &cursor {
            path.push_str(&format!("&cursor={cursor}"));
        }
        let answer = client.call(&Call::get(path)).await?;
        if !answer.is_success() {
            return Err(NotWritten::Refused(refused(&answer)));
        }
        let page: Page<Stock> = answer.json()?;
        // Not before there is an answer: whoever reads must not take a refusal for an empty shop.
        if cursor.is_none() {
            csv.write_record(COLUMNS)?;
        }
        for stock in &page.items {
            written.rows += rows_of(stock, &mut csv)?;
            written.with_terms += u64::from(stock.backorders_from.is_some() || stock.backorders_incoming_only);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            csv.flush().map_err(NotWritten::File)?;
            return Ok(written);
        }
    }
}

/// One row a location; one without a location for a SKU that has never been anywhere.
fn rows_of(stock: &Stock, csv: &mut csv::Writer<impl Write>) -> csv::Result<u64> {
    let (safety_stock, backorder_limit) = (stock.safety_stock.to_string(), stock.backorder_limit.to_string());
    let mut write = |at: Option<&LocationStock>| {
        let units = |of: fn(&LocationStock) -> i64| at.map(|at| of(at).to_string()).unwrap_or_default();
        let (on_hand, damaged) = (units(|at| at.on_hand), units(|at| at.damaged));
        let quality_control = units(|at| at.quality_control);
        let location = at.map(|at| at.location_id.as_str()).unwrap_or_default();
        let bin = at.and_then(|at| at.bin.as_deref()).unwrap_or_default();
        let name = stock.name.as_deref().unwrap_or_default();
        csv.write_record([
            &stock.sku,
            name,
            &safety_stock,
            &backorder_limit,
            location,
            &on_hand,
            bin,
            &damaged,
            &quality_control,
        ])
    };
    if stock.locations.is_empty() {
        write(None)?;
        return Ok(1);
    }
    stock.locations.iter().try_for_each(|at| write(Some(at)))?;
    Ok(stock.locations.len() as u64)
}
