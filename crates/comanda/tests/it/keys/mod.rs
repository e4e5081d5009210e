//! API keys as an operator and a stranger see them: who comes in, what for, under which name, and where a secret never shows.

mod audit;
mod backup;
mod doors;
mod hoarding;
mod life;
mod peers;
mod rates;
mod ring;
mod secrets;
mod tenants;
mod tls;
