//! The ids that tie together all that one request causes: `x-correlation-id` and the W3C `traceparent`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries a client's own id through logs and events.
pub const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The header of W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What a request is known by: taken from its headers where they are well formed, made where not.
pub(crate) struct Correlation {
    pub(crate) id: HeaderValue,
    pub(crate) traceparent: HeaderValue,
}

impl Correlation {
    /// Settles both ids and writes what was made into the request, so that a handler finds them there in any case.
    pub(crate) fn settle(headers: &mut HeaderMap) -> Self {
        let id = headers.get(X_CORRELATION_ID).filter(|id| is_correlation_id(id.as_bytes())).cloned();
        let traceparent = headers.get(TRACEPARENT).filter(|trace| is_traceparent(trace.as_bytes())).cloned();
        let (made_trace, traceparent) = match traceparent {
            Some(traceparent) => (false, traceparent),
            None => (true, new_traceparent()),
        };
        let (made_id, id) = match id {
            Some(id) => (false, id),
            None => (true, value(traceparent.as_bytes().get(3..35).unwrap_or_default())),
        };
        if made_trace {
            headers.insert(TRACEPARENT, traceparent.clone());
        }
        if made_id {
            headers.insert(X_CORRELATION_ID, id.clone());
        }
        Self { id, traceparent }
    }

    /// Says in the answer what the request is known by.
    pub(crate) fn echo(self, headers: &mut HeaderMap) {
        headers.insert(X_CORRELATION_ID, self.id);
        headers.insert(TRACEPARENT, self.traceparent);
    }
}

fn value(bytes: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(bytes).unwrap_or(HeaderValue::from_static("-"))
}

/// 1 to 128 visible ASCII characters.
fn is_correlation_id(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, neither id all zeros; a later version may say more after it.
fn is_traceparent(trace: &[u8]) -> bool {
    let Some((known, more)) = trace.split_at_checked(55) else { return false };
    let hex = |range: std::ops::Range<usize>| {
        known.get(range).is_some_and(|part| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    };
    let zeros = |range| known.get::<std::ops::Range<usize>>(range).is_some_and(|part| part.iter().all(|b| *b == b'0'));
    let dashes = [2, 35, 52].iter().all(|&place| known.get(place) == Some(&b'-'));
    let later = !known.starts_with(b"00") && !known.starts_with(b"ff") && more.first() == Some(&b'-');
    dashes
        && hex(0..2)
        && hex(3..35)
        && hex(36..52)
        && hex(53..55)
        && !known.starts_with(b"ff")
        && !zeros(3..35)
        && !zeros(36..52)
        && (more.is_empty() || later)
}

/// A trace of our own, not sampled: `00-<trace>-<span>-00`.
fn new_traceparent() -> HeaderValue {
    let (high, low) = next_id();
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    put_hex(&mut text, 3, high);
    put_hex(&mut text, 19, low);
    put_hex(&mut text, 36, mix(low).max(1));
    value(&text)
}

/// Writes `number` as 16 hexadecimal digits from place `at` on.
fn put_hex(text: &mut [u8], at: usize, mut number: u64) {
    for digit in text.iter_mut().skip(at).take(16).rev() {
        *digit = b"0123456789abcdef".get((number & 15) as usize).copied().unwrap_or(b'0');
        number >>= 4;
    }
}

/// An id no other request of this process has, and no other process either: a random start, a counter, both mixed.
///
/// Drawing every id from the system would cost a request more than all its other headers.
fn next_id() -> (u64, u64) {
    static START: LazyLock<(u64, u64)> = LazyLock::new(|| Uuid::new_v4().as_u64_pair());
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    (START.0 | 1, mix(START.1.wrapping_add(count)))
}

/// A one-to-one scramble of 64 bits (the finaliser of SplitMix64).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_made_is_well_formed_and_new_each_time() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            let mut headers = HeaderMap::new();
            let made = Correlation::settle(&mut headers);
            assert!(is_traceparent(made.traceparent.as_bytes()), "{:?}", made.traceparent);
            assert_eq!(headers[TRACEPARENT], made.traceparent);
            assert_eq!(headers[X_CORRELATION_ID], made.id);
            assert_eq!(made.id.len(), 32);
            assert!(seen.insert(made.id));
        }
    }

    #[test]
    fn what_is_well_formed_is_kept_and_what_is_not_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(TRACE));
        headers.insert(X_CORRELATION_ID, HeaderValue::from_static("has space"));
        let settled = Correlation::settle(&mut headers);
        assert_eq!(settled.traceparent, TRACE);
        assert_eq!(settled.id, "4bf92f3577b34da6a3ce929d0e0e4736", "the trace's id serves as correlation id");
        headers.insert(X_CORRELATION_ID, HeaderValue::from_static("order-7"));
        assert_eq!(Correlation::settle(&mut headers).id, "order-7");
    }

    #[test]
    fn a_traceparent_is_checked_to_the_letter() {
        assert!(is_traceparent(TRACE.as_bytes()));
        assert!(is_traceparent(format!("01{}-more", &TRACE[2..]).as_bytes()));
        for wrong in [
            format!("{TRACE}-more"),
            format!("ff{}", &TRACE[2..]),
            TRACE.to_uppercase(),
            TRACE.replace("00f067aa0ba902b7", "0000000000000000"),
            TRACE[..54].to_owned(),
            String::new(),
        ] {
            assert!(!is_traceparent(wrong.as_bytes()), "{wrong}");
        }
    }
}
