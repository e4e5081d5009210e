//! Collects every wrong field of a request, so that a client learns of all of them at once.

use std::fmt::Display;

use comanda_contracts::FieldError;

use crate::problem::Problem;

/// At most so many wrong fields are named in one answer.
const NAMED_MAX: usize = 100;

/// The wrong fields found so far.
///
/// ```
/// use comanda_web::Fields;
///
/// let mut fields = Fields::default();
/// let quantity = fields.take("/quantity", u8::try_from(300));
/// let sku = fields.take("/sku", "TEA-01".parse::<String>());
/// let problem = fields.finish(quantity.zip(sku)).unwrap_err();
/// assert_eq!(problem.into_body().errors[0].pointer, "/quantity");
/// ```
#[derive(Debug, Default)]
pub struct Fields {
    wrong: Vec<FieldError>,
    unnamed: usize,
}

impl Fields {
    /// The value, or nothing and a note of what is wrong at `pointer`.
    pub fn take<T, E: Display>(&mut self, pointer: impl Display, value: Result<T, E>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(pointer, why);
                None
            }
        }
    }

    /// As [`Fields::take`] for a field that may be absent; nothing then too.
    pub fn take_optional<T, E: Display>(&mut self, pointer: impl Display, value: Option<Result<T, E>>) -> Option<T> {
        value.and_then(|value| self.take(pointer, value))
    }

    /// Notes that the value at `pointer` is wrong, and what would be right.
    pub fn wrong(&mut self, pointer: impl Display, detail: impl Display) {
        if self.wrong.len() < NAMED_MAX {
            self.wrong.push(FieldError { pointer: pointer.to_string(), detail: detail.to_string() });
        } else {
            self.unnamed += 1;
        }
    }

    /// What was built of the fields, if none was wrong.
    ///
    /// # Errors
    /// A 422 problem that names every wrong field.
    pub fn finish<T>(self, built: Option<T>) -> Result<T, Problem> {
        match built {
            Some(built) if self.wrong.is_empty() => Ok(built),
            _ => {
                let problem = Problem::fields(self.wrong);
                let unnamed = self.unnamed;
                Err(if unnamed == 0 {
                    problem
                } else {
                    problem.with(|p| p.detail.push_str(&format!(" (only the first {NAMED_MAX} are named)")))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_named_with_its_pointer() {
        let mut fields = Fields::default();
        assert_eq!(fields.take("/a", Ok::<_, &str>(1)), Some(1));
        assert_eq!(fields.take(format_args!("/lines/{}/b", 3), Err::<u8, _>("too much")), None);
        assert_eq!(fields.take_optional("/c", Some(Err::<u8, _>("too little"))), None);
        assert_eq!(fields.take_optional("/d", None::<Result<u8, &str>>), None);
        let body = fields.finish(Some(())).unwrap_err().into_body();
        let pointers: Vec<_> = body.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/lines/3/b", "/c"]);
        assert_eq!((body.status, body.code.as_ref()), (422, "INVALID_FIELDS"));
    }

    #[test]
    fn the_list_of_wrong_fields_is_bounded() {
        let mut fields = Fields::default();
        for i in 0..5_000 {
            fields.wrong(format_args!("/{i}"), "is wrong");
        }
        let body = fields.finish(None::<()>).unwrap_err().into_body();
        assert_eq!(body.errors.len(), NAMED_MAX);
        assert!(body.detail.contains("only the first 100"));
    }
}
