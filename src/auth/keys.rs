//! Published keys: fetched when needed, kept while their source is away.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use tokio::time::Instant;

use super::source::{self, JwksSource, Keys, Wanted};
use super::{DevelopmentKeys, PinnedKey};

/// Keys are looked at again after this time, for those that were withdrawn.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// A key nobody knows makes us ask again no sooner than this: tokens of strangers must not make us a nuisance.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// The keys of some sources.
#[derive(Debug)]
pub struct KeySet {
    sources: Vec<JwksSource>,
    wanted: Wanted,
    client: Option<reqwest::Client>,
    /// The last good keys of each source.
    keys: RwLock<Vec<Arc<Keys>>>,
    asked_at: Mutex<Option<Instant>>,
    asking: tokio::sync::Mutex<()>,
}

impl KeySet {
    /// Reads the sources that are files.
    pub fn new(
        sources: Vec<JwksSource>,
        algorithms: &'static [Algorithm],
        development_keys: DevelopmentKeys,
    ) -> anyhow::Result<Arc<Self>> {
        let wanted = Wanted {
            algorithms,
            development_keys,
        };
        let keys = sources
            .iter()
            .map(|source| source.read(wanted).map(Arc::new))
            .collect::<anyhow::Result<_>>()?;
        let has_url = sources
            .iter()
            .any(|source| matches!(source, JwksSource::Url(_)));
        Ok(Arc::new(Self {
            client: has_url.then(source::client).transpose()?,
            asked_at: Mutex::new((!has_url).then(Instant::now)),
            asking: tokio::sync::Mutex::default(),
            keys: RwLock::new(keys),
            sources,
            wanted,
        }))
    }

    /// Finds a key, asking the sources again if none has it.
    pub async fn find(self: &Arc<Self>, id: &str) -> Option<PinnedKey> {
        if let Some(key) = self.known(id) {
            if self.was_asked_within(STALE_AFTER) {
                return Some(key);
            }
            let keys = Arc::clone(self);
            tokio::spawn(async move { keys.ask(STALE_AFTER).await });
            return Some(key);
        }
        self.ask(ASK_AGAIN_AFTER).await;
        self.known(id)
    }

    fn known(&self, id: &str) -> Option<PinnedKey> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find_map(|keys| keys.get(id).cloned())
    }

    fn was_asked_within(&self, time: Duration) -> bool {
        self.asked_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|at| at.elapsed() < time)
    }

    /// Asks every source, unless somebody did just now. One asks, the others wait for what it learns.
    async fn ask(&self, unless_within: Duration) {
        let _one = self.asking.lock().await;
        if self.was_asked_within(unless_within) {
            return;
        }
        for (index, source) in self.sources.iter().enumerate() {
            match source.fetch(self.client.as_ref(), self.wanted).await {
                Ok(keys) => {
                    let mut all = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                    if let Some(last) = all.get_mut(index) {
                        *last = Arc::new(keys);
                    }
                }
                Err(error) => tracing::warn!(
                    %source,
                    error = format!("{error:#}"),
                    "Can't fetch keys from {source}, keeping the last ones: {error:#}"
                ),
            }
        }
        *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
