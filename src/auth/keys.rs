//! Published keys: fetched on demand, and kept while their source is unreachable.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::source::{self, JwksSource, KeyFilter, Keys};
use super::{DevelopmentKeys, PinnedKey};
use crate::config::is_plain;

/// Keys are refreshed after this time, to detect withdrawn ones.
const REFRESH_AFTER: Duration = Duration::from_secs(600);

/// Least time between two fetches for unknown keys, so that forged tokens can't cause many requests.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(30);

/// The keys of several sources.
#[derive(Debug)]
pub struct KeySet {
    sources: Vec<JwksSource>,
    filter: KeyFilter,
    client: Option<reqwest::Client>,
    /// The last fetched keys of each source.
    keys: RwLock<Vec<Arc<Keys>>>,
    fetched_at: Mutex<Option<Instant>>,
    fetching: tokio::sync::Mutex<()>,
}

impl KeySet {
    /// Reads the sources that are files.
    pub fn new(
        sources: Vec<JwksSource>,
        algorithms: &'static [Algorithm],
        development_keys: DevelopmentKeys,
    ) -> anyhow::Result<Arc<Self>> {
        let filter = KeyFilter {
            algorithms,
            development_keys,
        };
        for source in &sources {
            if let JwksSource::Url(url) = source
                && is_plain(url.as_str())
            {
                tracing::warn!(
                    "The keys at {source} are read without TLS: whoever can change them on the way can sign tokens"
                );
            }
        }
        let keys = sources
            .iter()
            .map(|source| source.read(filter).map(Arc::new))
            .collect::<anyhow::Result<_>>()?;
        let has_url = sources
            .iter()
            .any(|source| matches!(source, JwksSource::Url(_)));
        Ok(Arc::new(Self {
            client: has_url.then(source::client).transpose()?,
            fetched_at: Mutex::new((!has_url).then(Instant::now)),
            fetching: tokio::sync::Mutex::default(),
            keys: RwLock::new(keys),
            sources,
            filter,
        }))
    }

    /// Finds a key. Fetches the sources if it is unknown.
    pub async fn find(self: &Arc<Self>, id: &str) -> Option<PinnedKey> {
        if let Some(key) = self.known(id) {
            if self.was_fetched_within(REFRESH_AFTER) {
                return Some(key);
            }
            let keys = Arc::clone(self);
            tokio::spawn(async move { keys.fetch(REFRESH_AFTER).await });
            return Some(key);
        }
        self.fetch(MIN_FETCH_INTERVAL).await;
        self.known(id)
    }

    fn known(&self, id: &str) -> Option<PinnedKey> {
        self.keys
            .read()
            .iter()
            .find_map(|keys| keys.get(id).cloned())
    }

    fn was_fetched_within(&self, time: Duration) -> bool {
        self.fetched_at.lock().is_some_and(|at| at.elapsed() < time)
    }

    /// Fetches every source, unless they were fetched within this time. Concurrent callers wait for one fetch.
    async fn fetch(&self, unless_within: Duration) {
        let _fetching = self.fetching.lock().await;
        if self.was_fetched_within(unless_within) {
            return;
        }
        for (index, source) in self.sources.iter().enumerate() {
            match source.fetch(self.client.as_ref(), self.filter).await {
                Ok(keys) => {
                    let mut all = self.keys.write();
                    if let Some(last) = all.get_mut(index) {
                        *last = Arc::new(keys);
                    }
                }
                Err(error) => tracing::warn!(
                    %source,
                    error = format!("{error:#}"),
                    "Keys can't be fetched from {source}, keeping the last ones: {error:#}"
                ),
            }
        }
        *self.fetched_at.lock() = Some(Instant::now());
    }
}
