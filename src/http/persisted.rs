//! Documents that clients name instead of sending them: automatic persisted queries and trusted documents.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use hex::FromHex as _;
use lru::LruCache;
use parking_lot::Mutex;
use resolvers::errors::Code;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use crate::metrics::sample;

/// A SHA-256 hash.
type Hash = [u8; 32];

/// The name of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// The hash of its text (automatic persisted queries).
    Hash(String),
    /// Its id in a manifest.
    Id(String),
}

/// The document of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The text.
    Text(String),
    /// The name of a known document.
    Named(Name),
    /// The text, and the name to store it under.
    Both(String, Name),
}

/// A document to execute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The text.
    pub text: String,
    /// The hash to store it under once it has been executed.
    pub hash: Option<[u8; 32]>,
}

/// The treatment of documents that are in no manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Executes them.
    #[default]
    Off,
    /// Executes and logs them.
    Log,
    /// Refuses them.
    Enforce,
}

/// The documents of the manifests.
#[derive(Debug, Default)]
pub struct Trusted {
    by_id: HashMap<String, Arc<str>>,
    hashes: HashSet<Hash>,
}

/// A manifest: in the format of Apollo's tools, or a map of ids to texts as code generators write it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo {
        format: String,
        version: u32,
        operations: Vec<Operation>,
    },
    Map(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

impl Trusted {
    /// Reads a manifest.
    pub fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        let what = || format!("the manifest {} of trusted documents", path.display());
        let text = std::fs::read_to_string(path).with_context(what)?;
        self.add_text(&text).with_context(what)
    }

    fn add_text(&mut self, text: &str) -> anyhow::Result<()> {
        let manifest: Manifest = serde_json::from_str(text)
            .context("is neither an Apollo manifest nor a JSON object of ids and documents")?;
        let operations: Vec<(String, String)> = match manifest {
            Manifest::Apollo {
                format,
                version,
                operations,
            } => {
                ensure!(
                    format == "apollo-persisted-query-manifest" && version == 1,
                    "has the format {format:?} in version {version}, which is not supported"
                );
                let operations = operations.into_iter();
                operations
                    .map(|operation| (operation.id, operation.body))
                    .collect()
            }
            Manifest::Map(operations) => operations.into_iter().collect(),
        };
        for (id, text) in operations {
            async_graphql::parser::parse_query(&text)
                .with_context(|| format!("has an invalid document: {id}"))?;
            self.hashes.insert(Sha256::digest(&text).into());
            let text: Arc<str> = text.into();
            let known = self.by_id.insert(bare(&id).to_owned(), Arc::clone(&text));
            ensure!(
                known.is_none_or(|known| known == text),
                "has a second document with the id {id}"
            );
        }
        Ok(())
    }

    /// Every document with its id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_id.iter().map(|(id, text)| (id.as_str(), &**text))
    }
}

/// Settings of the documents.
#[derive(Debug)]
pub struct Settings {
    /// Memory for automatic persisted queries; 0 disables them.
    pub stored_bytes: usize,
    /// The treatment of documents that are in no manifest.
    pub trust: Trust,
    /// The trusted documents.
    pub trusted: Trusted,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stored_bytes: 8 * 1024 * 1024,
            trust: Trust::Off,
            trusted: Trusted::default(),
        }
    }
}

/// All documents that requests can name.
#[derive(Debug)]
pub struct Documents {
    settings: Settings,
    stored: Mutex<Stored>,
}

#[derive(Debug)]
struct Stored {
    texts: LruCache<Hash, Arc<str>>,
    bytes: usize,
}

impl Documents {
    /// Starts with the trusted documents.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            stored: Mutex::new(Stored {
                texts: LruCache::unbounded(),
                bytes: 0,
            }),
        }
    }

    /// Finds the document of a request.
    pub fn find(&self, source: Source) -> Result<Document, Refusal> {
        match source {
            Source::Named(name) => Ok(Document {
                text: self.named(&name)?.to_string(),
                hash: None,
            }),
            Source::Text(text) => self.sent(text, None),
            Source::Both(text, name) => self.sent(text, Some(name)),
        }
    }

    /// Stores an executed document under its hash. A document that takes more than a sixteenth of the memory is not stored.
    pub fn store(&self, document: &Document) {
        let Some(hash) = document.hash else { return };
        let capacity = self.settings.stored_bytes;
        if cost_of(&document.text) > capacity / 16 {
            return;
        }
        let mut stored = self.stored.lock();
        stored.bytes += cost_of(&document.text);
        if let Some((_, known)) = stored.texts.push(hash, document.text.as_str().into()) {
            stored.bytes -= cost_of(&known);
        }
        while stored.bytes > capacity {
            let Some((_, oldest)) = stored.texts.pop_lru() else {
                break;
            };
            stored.bytes -= cost_of(&oldest);
        }
        metrics::gauge!("persisted_queries_bytes").set(sample(stored.bytes));
    }

    fn is_storing(&self) -> bool {
        self.settings.stored_bytes > 0 && self.settings.trust != Trust::Enforce
    }

    fn named(&self, name: &Name) -> Result<Arc<str>, Refusal> {
        let (Name::Hash(id) | Name::Id(id)) = name;
        if let Some(text) = self.settings.trusted.by_id.get(bare(id)) {
            return Ok(Arc::clone(text));
        }
        match name {
            _ if self.settings.trust == Trust::Enforce => Err(not_allowed()),
            Name::Id(_) => Err(Refusal::request(
                Code::PersistedQueryNotFound,
                "there is no document with this id",
            )),
            // Clients look for these messages.
            Name::Hash(_) if !self.is_storing() => Err(Refusal::document_needed(
                Code::PersistedQueryNotSupported,
                "PersistedQueryNotSupported",
            )),
            Name::Hash(hash) => {
                let hash = hash_of(hash);
                let known = hash.and_then(|hash| {
                    let text = self.stored.lock().texts.get(&hash).cloned()?;
                    Some((hash, text))
                });
                let found = known.is_some().to_string();
                metrics::counter!("persisted_queries_total", "found" => found).increment(1);
                let (hash, text) = known.ok_or_else(|| {
                    Refusal::document_needed(Code::PersistedQueryNotFound, "PersistedQueryNotFound")
                })?;
                self.check_trust(&text, &hash)?;
                Ok(text)
            }
        }
    }

    fn sent(&self, text: String, name: Option<Name>) -> Result<Document, Refusal> {
        if name.is_none() && self.settings.trust == Trust::Off {
            return Ok(Document { text, hash: None });
        }
        let own: Hash = Sha256::digest(&text).into();
        self.check_trust(&text, &own)?;
        let hash = match name {
            Some(Name::Hash(hash)) if hash_of(&hash) != Some(own) => {
                return Err(Refusal::request(
                    Code::BadRequest,
                    "provided sha does not match query",
                ));
            }
            Some(Name::Hash(_)) => self.is_storing().then_some(own),
            Some(Name::Id(_)) | None => None,
        };
        Ok(Document { text, hash })
    }

    /// Refuses or logs an untrusted document, as configured.
    fn check_trust(&self, text: &str, hash: &Hash) -> Result<(), Refusal> {
        let trust = self.settings.trust;
        if trust == Trust::Off || self.settings.trusted.hashes.contains(hash) {
            return Ok(());
        }
        if trust == Trust::Enforce {
            return Err(not_allowed());
        }
        metrics::counter!("untrusted_documents_total").increment(1);
        let beginning: String = text.chars().take(80).collect();
        tracing::warn!(
            document = beginning,
            "Executing an untrusted document: {beginning}"
        );
        Ok(())
    }
}

/// Memory of a stored text with its overhead.
fn cost_of(text: &str) -> usize {
    text.len() + 256
}

fn not_allowed() -> Refusal {
    Refusal::request(
        Code::PersistedQueryNotAllowed,
        "only documents that were registered in advance are executed here",
    )
}

/// An id without the prefix of its algorithm.
fn bare(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

fn hash_of(text: &str) -> Option<Hash> {
    Hash::from_hex(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> String {
        use std::fmt::Write;
        let hash = Sha256::digest(text);
        hash.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn hash(text: &str) -> Name {
        Name::Hash(hex(text))
    }

    fn by_hash(text: &str) -> Source {
        Source::Named(hash(text))
    }

    fn text(text: &str) -> Source {
        Source::Text(text.to_owned())
    }

    fn both(text: &str) -> Source {
        Source::Both(text.to_owned(), hash(text))
    }

    fn code(found: Result<Document, Refusal>) -> Code {
        found.expect_err("a refusal").code
    }

    #[test]
    fn finds_a_stored_document_by_its_hash() {
        let documents = Documents::new(Settings::default());
        assert_eq!(
            code(documents.find(by_hash("{a}"))),
            Code::PersistedQueryNotFound
        );
        let sent = documents.find(both("{a}")).expect("a document");
        assert_eq!(
            code(documents.find(by_hash("{a}"))),
            Code::PersistedQueryNotFound
        );
        documents.store(&sent);
        assert_eq!(documents.find(by_hash("{a}")).expect("known").text, "{a}");
        let upper = Name::Hash(hex("{a}").to_uppercase());
        assert!(documents.find(Source::Named(upper)).is_ok());
        let other = documents.find(Source::Both("{b}".to_owned(), hash("{a}")));
        assert_eq!(code(other), Code::BadRequest);
        for bad in ["", "x", &"é".repeat(32), &"+1".repeat(32)] {
            let name = Source::Named(Name::Hash(bad.to_owned()));
            assert_eq!(
                code(documents.find(name)),
                Code::PersistedQueryNotFound,
                "{bad}"
            );
        }
    }

    #[test]
    fn evicts_the_oldest_documents() {
        let documents = Documents::new(Settings {
            stored_bytes: 16 * cost_of("{00}"),
            ..Settings::default()
        });
        let name = |number: usize| format!("{{{number:02}}}");
        let send = |text: &str| {
            let sent = documents.find(both(text)).expect(text);
            documents.store(&sent);
        };
        let knows = |number| documents.find(by_hash(&name(number))).is_ok();
        for number in 0..16 {
            send(&name(number));
            send(&name(number));
        }
        assert!((0..16).all(knows));
        // The first was used the longest ago.
        send(&name(16));
        assert!(!knows(0) && (1..17).all(knows));
        let long = "{too long for a sixteenth}";
        send(long);
        assert!(documents.find(by_hash(long)).is_err() && (1..17).all(knows));
    }

    #[test]
    fn can_be_disabled() {
        let documents = Documents::new(Settings {
            stored_bytes: 0,
            ..Settings::default()
        });
        assert_eq!(
            code(documents.find(by_hash("{a}"))),
            Code::PersistedQueryNotSupported
        );
        let sent = documents.find(both("{a}"));
        assert_eq!(sent.expect("the text is there").hash, None);
    }

    #[test]
    fn finds_trusted_documents_by_id() {
        let mut trusted = Trusted::default();
        trusted
            .add_text(r#"{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "1", "name": "A", "type": "query", "body": "query A {a}"}]}"#)
            .expect("Apollo's format");
        trusted
            .add_text(r#"{"sha256:2": "query B {b}"}"#)
            .expect("a code generator's format");
        for bad in [
            "",
            "[]",
            r#"{"1": "{"}"#,
            r#"{"format": "x", "version": 1, "operations": []}"#,
        ] {
            assert!(Trusted::default().add_text(bad).is_err(), "{bad}");
        }
        let mut twice = Trusted::default();
        twice.add_text(r#"{"1": "{a}"}"#).expect("once");
        twice.add_text(r#"{"sha256:1": "{a}"}"#).expect("the same");
        assert!(twice.add_text(r#"{"1": "{b}"}"#).is_err());
        let documents = Documents::new(Settings {
            trust: Trust::Enforce,
            trusted,
            ..Settings::default()
        });
        let id = |id: &str| Source::Named(Name::Id(id.to_owned()));
        for (name, expected) in [
            (id("1"), "query A {a}"),
            (id("2"), "query B {b}"),
            (id("sha256:2"), "query B {b}"),
        ] {
            assert_eq!(documents.find(name).expect(expected).text, expected);
        }
        assert!(documents.find(text("query B {b}")).is_ok());
        assert_eq!(
            code(documents.find(id("3"))),
            Code::PersistedQueryNotAllowed
        );
        assert_eq!(
            code(documents.find(by_hash("{a}"))),
            Code::PersistedQueryNotAllowed
        );
        let other = documents.find(text("{a}"));
        assert_eq!(code(other), Code::PersistedQueryNotAllowed);
    }
}
