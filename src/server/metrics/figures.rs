//! What parts of the service know of themselves, read when somebody looks.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::auth::Verifier;
use crate::budget::Budget;
use crate::server::address::Failures;
use crate::server::live::Sockets;
use crate::store::{FeedFigures, PoolFigures, Store};

/// The parts that are asked. Another one is a field here and its lines in [`Collector::encode`].
#[derive(Debug)]
pub(in crate::server) struct Figures {
    pub(in crate::server) store: Store,
    pub(in crate::server) verifier: Verifier,
    pub(in crate::server) budget: Budget,
    pub(in crate::server) failures: Arc<Failures>,
    pub(in crate::server) sockets: Arc<Sockets>,
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        pools(&mut encoder, &self.store.pools())?;
        feed(&mut encoder, self.store.feed_figures(), self.sockets.open())?;
        let cache = self.verifier.cache_figures();
        let lookups = [("hit", ConstCounter::new(cache.hits)), ("miss", ConstCounter::new(cache.misses))];
        let help = "Tokens that were looked for among those verified a moment ago";
        family(&mut encoder, "token_cache_lookups", help, "outcome", lookups)?;
        let entries = u64::try_from(cache.entries).unwrap_or(u64::MAX);
        gauge(&mut encoder, "token_cache_entries", "Verified tokens in memory", entries)?;
        let refused = [
            ("user", ConstCounter::new(self.budget.refused())),
            ("address", ConstCounter::new(self.failures.refused())),
        ];
        family(
            &mut encoder,
            "rate_limited",
            "Requests that were refused for their user or their address",
            "by",
            refused,
        )
    }
}

fn feed(encoder: &mut DescriptorEncoder<'_>, feed: FeedFigures, open: u64) -> fmt::Result {
    gauge(encoder, "live_connections", "Sockets and streams of events that are open", open)?;
    gauge(encoder, "feed_followed_users", "Users whose changes somebody follows", feed.followed)?;
    gauge(encoder, "feed_hears_nodes", "Whether this node hears of what others change", feed.hears.into())?;
    counter(encoder, "feed_reads", "How often the feed was read for who follows it", feed.reads)?;
    counter(encoder, "feed_changes", "Changes that were told to who follows them", feed.told)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &'static str, help: &'static str, value: u64) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &'static str, help: &'static str, value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn pools(encoder: &mut DescriptorEncoder<'_>, pools: &[PoolFigures]) -> fmt::Result {
    let connections = pools.iter().map(|pool| (pool.name, ConstGauge::new(pool.connections)));
    family(encoder, "pool_connections", "Connections to the database", "pool", connections)?;
    let idle = pools.iter().map(|pool| (pool.name, ConstGauge::new(pool.idle)));
    family(encoder, "pool_idle_connections", "Connections that nobody uses", "pool", idle)?;
    let opened = pools.iter().map(|pool| (pool.name, ConstCounter::new(pool.opened)));
    family(encoder, "pool_opened_connections", "Connections that were made", "pool", opened)?;
    let acquired = pools.iter().map(|pool| (pool.name, ConstCounter::new(pool.acquired)));
    family(encoder, "pool_acquired", "How often a connection was to be had", "pool", acquired)?;
    let waited = pools.iter().map(|pool| (pool.name, ConstCounter::new(pool.waited)));
    family(encoder, "pool_waited", "How often it had to be waited for", "pool", waited)?;
    let timed_out = pools.iter().map(|pool| (pool.name, ConstCounter::new(pool.timed_out)));
    family(encoder, "pool_timed_out", "How often none came free in time", "pool", timed_out)?;
    let times = pools.iter().map(|pool| (pool.name, ConstCounter::new(pool.wait_time.as_secs_f64())));
    let help = "How long connections were waited for in all";
    of_unit(encoder, ("pool_wait", help, Some(Unit::Seconds)), "pool", times)
}

/// One metric with a label.
fn family<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &'static str,
    help: &'static str,
    label: &'static str,
    metrics: impl IntoIterator<Item = (&'static str, M)>,
) -> fmt::Result {
    of_unit(encoder, (name, help, None), label, metrics)
}

fn of_unit<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): (&'static str, &'static str, Option<Unit>),
    label: &'static str,
    metrics: impl IntoIterator<Item = (&'static str, M)>,
) -> fmt::Result {
    let mut metrics = metrics.into_iter().peekable();
    let Some((_, first)) = metrics.peek() else { return Ok(()) };
    let mut all: MetricEncoder<'_> = encoder.encode_descriptor(name, help, unit.as_ref(), first.metric_type())?;
    for (value, metric) in metrics {
        metric.encode(all.encode_family(&[(label, value)])?)?;
    }
    Ok(())
}
