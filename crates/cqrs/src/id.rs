//! Text ids: values that are right by construction, one type for each thing they name.
//!
//! [`text_id!`](crate::text_id) makes such a type. Ids go into stream names, row keys and paths, so what they may consist of is
//! checked once, where they come in.

/// The longest id, in characters.
pub const ID_LENGTH_MAX: usize = 128;

/// A text that is cloned without being copied, and needs no memory of its own up to 23 bytes: what ids are made of.
pub use smol_str::SmolStr as ShortText;

/// The text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to 128 characters out of A-Z, a-z, 0-9, '.', '_', ':' and '-', and is not '.' or '..'")]
pub struct InvalidId;

/// Checks that `text` matches `[A-Za-z0-9._:-]{1,128}` and is no step in a path.
///
/// # Errors
/// [`InvalidId`]
pub fn check_id(text: &str) -> Result<(), InvalidId> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    // Of dots alone it would be a step in a path, and no client would send it as it is.
    let dots = text.bytes().all(|byte| byte == b'.') && text.len() < 3;
    let right = (1..=ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed) && !dots;
    right.then_some(()).ok_or(InvalidId)
}

/// Makes a type of text ids: `[A-Za-z0-9._:-]{1,128}`, checked when parsed and when read back.
///
/// ```
/// cqrs::text_id!(
///     /// A table in the dining room.
///     TableId
/// );
///
/// assert_eq!(TableId::parse("t-4").unwrap().as_str(), "t-4");
/// assert!(TableId::parse("by the window").is_err());
/// ```
///
/// A second argument names another check than [`check_id`](crate::check_id).
#[macro_export]
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $crate::text_id!($(#[$doc])* $name, $crate::check_id);
    };
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize)]
        pub struct $name($crate::ShortText);

        impl $name {
            /// The id that `text` is.
            ///
            /// # Errors
            /// [`InvalidId`](cqrs::InvalidId) if it is none.
            pub fn parse(text: &str) -> ::std::result::Result<Self, $crate::InvalidId> {
                $check(text).map(|()| Self(text.into()))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(text: D) -> ::std::result::Result<Self, D::Error> {
                let text = <$crate::ShortText as ::serde::Deserialize>::deserialize(text)?;
                $check(&text).map_err(::serde::de::Error::custom)?;
                Ok(Self(text))
            }
        }

        impl ::std::convert::From<&$name> for $crate::ShortText {
            fn from(id: &$name) -> Self {
                Self::clone(&id.0)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}
