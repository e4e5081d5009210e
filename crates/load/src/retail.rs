//! A made-up shop with the skew of a real one: a catalogue, orders and cancellations, the same for the same seed.

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::order::{Entry, LINES_MAX, Order, OrderKind, OrderLine, Product};
use crate::shortages::peak_net_out;

/// Popularity falls with a SKU's rank like `(rank / skus + HEAD) ^ -TAIL`: with these two figures the top 1 % of SKUs
/// stand on about 10.7 % of all lines and the top 10 % on about 47 %, as in two real years of a giftware shop.
const HEAD: f64 = 0.0203;
const TAIL: f64 = 1.033;
/// Lines per order are log-normal: half have at most this many, one in a hundred more than 199.
const LINES_MEDIAN: f64 = 15.0;
const LINES_SIGMA: f64 = 1.111;
/// This share of orders names one of its SKUs twice.
const REPEATS: f64 = 0.157;
/// Customers cancel one of this many latest orders.
const REMEMBERED_MAX: usize = 256;
/// This share of cancellations undoes the whole order; the others some of its lines.
const WHOLE_CANCELS: f64 = 0.3;
/// How many units a line asks for, with the weight of each.
const PACKS: [(i64, u32); 9] = [(1, 30), (2, 14), (3, 8), (4, 8), (6, 9), (10, 7), (12, 14), (24, 7), (48, 3)];

const MATERIALS: [&str; 12] =
    ["Copper", "Linen", "Walnut", "Glass", "Enamel", "Wicker", "Felt", "Marble", "Bamboo", "Brass", "Cotton", "Slate"];
const THINGS: [&str; 16] = [
    "Teapot", "Lantern", "Tray", "Candle", "Basket", "Clock", "Coaster", "Bunting", "Vase", "Notebook", "Mug", "Apron",
    "Frame", "Jar", "Bell", "Cushion",
];

/// The size of a made-up shop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetailProfile {
    /// How many SKUs it sells.
    pub skus: usize,
    /// No order has more lines than this: an order that would is drawn again.
    pub lines_max: usize,
    /// The share of documents that are cancellations, 0 to below 1.
    pub cancels: f64,
}

impl RetailProfile {
    /// Small, for a demonstration: 1,000 SKUs, 9 lines an order and never more than 20, 24 % cancellations.
    #[must_use]
    pub fn small() -> Self {
        Self { skus: 1_000, lines_max: 20, cancels: 0.24 }
    }

    /// As large as the real one: 5,000 SKUs, 25 lines an order and up to 1,112, 16 % cancellations.
    #[must_use]
    pub fn large() -> Self {
        Self { skus: 5_000, lines_max: 1_112, cancels: 0.16 }
    }
}

/// An endless stream of orders and cancellations; take as many as you need.
///
/// ```
/// use comanda_load::{Retail, RetailProfile};
///
/// let one: Vec<_> = Retail::new(7, RetailProfile::small()).take(100).collect();
/// let same: Vec<_> = Retail::new(7, RetailProfile::small()).take(100).collect();
/// assert_eq!(one, same);
/// ```
#[derive(Clone, Debug)]
pub struct Retail {
    rng: ChaCha8Rng,
    profile: RetailProfile,
    /// Cumulated popularity by rank.
    popularity: Vec<f64>,
    /// The number of the SKU of each rank, so that a SKU's name does not tell how well it sells.
    sku_of_rank: Vec<usize>,
    documents: u64,
    /// Orders that nobody has cancelled yet, the latest last.
    remembered: VecDeque<Order>,
}

impl Retail {
    /// The shop that `seed` makes. It has at least one SKU and one line an order, at most [`LINES_MAX`] lines.
    #[must_use]
    pub fn new(seed: u64, profile: RetailProfile) -> Self {
        let skus = profile.skus.max(1);
        let lines_max = profile.lines_max.clamp(1, LINES_MAX);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut total = 0.0;
        let popularity = (0..skus)
            .map(|rank| {
                total += ((rank as f64 + 0.5) / skus as f64 + HEAD).powf(-TAIL);
                total
            })
            .collect();
        let mut sku_of_rank: Vec<usize> = (0..skus).collect();
        for last in (1..skus).rev() {
            sku_of_rank.swap(last, rng.random_range(0..=last));
        }
        let profile = RetailProfile { skus, lines_max, ..profile };
        Self { rng, profile, popularity, sku_of_rank, documents: 0, remembered: VecDeque::new() }
    }

    /// Every SKU with a name for people.
    pub fn catalogue(&self) -> impl Iterator<Item = (String, String)> + use<> {
        (0..self.profile.skus).map(|number| (sku(number), name(number)))
    }

    fn rank(&mut self) -> usize {
        let total = self.popularity.last().copied().unwrap_or(0.0);
        let drawn = self.rng.random::<f64>() * total;
        self.popularity.partition_point(|sum| *sum <= drawn).min(self.profile.skus - 1)
    }

    /// Draws the number of lines, again while there are too many, so that the shape below the bound is kept.
    fn line_count(&mut self) -> usize {
        loop {
            // Box and Muller: two even numbers make a normal one.
            let radius = (-2.0 * (1.0 - self.rng.random::<f64>()).ln()).sqrt();
            let normal = radius * (std::f64::consts::TAU * self.rng.random::<f64>()).cos();
            let lines = (LINES_MEDIAN * (LINES_SIGMA * normal).exp()).round().max(1.0) as usize;
            if lines <= self.profile.lines_max {
                return lines;
            }
        }
    }

    fn line(&mut self) -> OrderLine {
        let rank = self.rank();
        let weights: u32 = PACKS.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.rng.random_range(0..weights);
        let pack = PACKS.iter().find(|(_, weight)| {
            let found = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            found
        });
        // What sells most often is also bought in the largest quantities.
        let factor = if rank * 100 < self.profile.skus { 2 } else { 1 };
        let number = self.sku_of_rank.get(rank).copied().unwrap_or(0);
        OrderLine { sku: sku(number), quantity: pack.map_or(1, |(units, _)| units * factor), undoes: None }
    }

    fn order(&mut self) -> Order {
        let count = self.line_count();
        let mut lines: Vec<OrderLine> = Vec::with_capacity(count);
        let mut draws_left = count * 20;
        while lines.len() < count {
            let line = self.line();
            draws_left = draws_left.saturating_sub(1);
            // A small catalogue may not have that many SKUs: then some come twice.
            if draws_left == 0 || lines.iter().all(|known| known.sku != line.sku) {
                lines.push(line);
            }
        }
        if count > 1 && self.rng.random_bool(REPEATS) {
            let sku = lines.first().map(|line| line.sku.clone());
            if let (Some(sku), Some(last)) = (sku, lines.last_mut()) {
                last.sku = sku;
            }
        }
        Order { id: self.documents.to_string(), kind: OrderKind::Order, lines }
    }

    fn cancel(&mut self, order: Order) -> Order {
        let some = if self.rng.random_bool(WHOLE_CANCELS) {
            order.lines.len()
        } else {
            self.rng.random_range(1..=order.lines.len().max(1))
        };
        let undoes = Some(order.id);
        let lines = order.lines.into_iter().take(some).map(|line| OrderLine { undoes: undoes.clone(), ..line });
        Order { id: format!("C{}", self.documents), kind: OrderKind::Cancel, lines: lines.collect() }
    }
}

impl Iterator for Retail {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        self.documents += 1;
        if !self.remembered.is_empty() && self.rng.random_bool(self.profile.cancels.clamp(0.0, 0.99)) {
            let which = self.rng.random_range(0..self.remembered.len());
            if let Some(order) = self.remembered.remove(which) {
                return Some(self.cancel(order));
            }
        }
        let order = self.order();
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.pop_front();
        }
        self.remembered.push_back(order.clone());
        Some(order)
    }
}

/// A made-up shop's whole history, ready to be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeUpHistory {
    /// What it sells, with its opening stock.
    pub products: Vec<Product>,
    /// What happens, in order.
    pub entries: Vec<Entry>,
}

impl MadeUpHistory {
    /// The first `documents` orders and cancellations of the shop that `seed` makes. It opens with `percent` % of the
    /// stock that would just be enough: 100 leaves nobody short.
    #[must_use]
    pub fn new(seed: u64, profile: RetailProfile, documents: usize, percent: u32) -> Self {
        let shop = Retail::new(seed, profile);
        let catalogue = shop.catalogue();
        let entries: Vec<Entry> = shop.take(documents).map(Entry::Order).collect();
        let enough = peak_net_out(&entries);
        let product = |(sku, name): (String, String)| {
            let opening = enough.get(&sku).copied().unwrap_or(0);
            Product { sku, name, opening }.opening_with(percent)
        };
        Self { products: catalogue.map(product).collect(), entries }
    }
}

fn sku(number: usize) -> String {
    format!("SKU-{:05}", number + 1)
}

fn name(number: usize) -> String {
    let of = |words: &[&'static str], at: usize| words.get(at % words.len()).copied().unwrap_or_default();
    let series = number / (MATERIALS.len() * THINGS.len()) + 1;
    format!("{} {} {series}", of(&MATERIALS, number / THINGS.len()), of(&THINGS, number))
}
