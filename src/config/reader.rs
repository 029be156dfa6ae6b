//! Reads single settings, and collects problems instead of stopping at the first one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The environment and the problems found in it.
pub struct Reader {
    /// The environment.
    pub values: BTreeMap<String, OsString>,
    /// One line per problem.
    pub problems: Vec<String>,
}

impl Reader {
    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self.values.get(name)?;
        let Some(text) = value.to_str() else {
            self.problems.push(format!("{name} is not valid UTF-8"));
            return None;
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub fn text_or(&mut self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| default.to_owned())
    }

    pub fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.values
            .get(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }

    pub fn list(&mut self, name: &str, default: &str) -> Vec<String> {
        self.text_or(name, default)
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    pub fn choice<T: Copy>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let Some(chosen) = self.text(name) else {
            return default;
        };
        let value = choices.iter().find(|(choice, _)| *choice == chosen);
        if value.is_none() {
            let choices: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
            let choices = choices.join(", ");
            self.problems
                .push(format!("{name} is {chosen:?}: it is one of {choices}"));
        }
        value.map_or(default, |(_, value)| *value)
    }

    pub fn number<N>(&mut self, name: &str, default: N, least: N, most: N) -> N
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display + Copy,
    {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.parse::<N>() {
            Ok(number) if least <= number && number <= most => number,
            _ => {
                self.problems.push(format!(
                    "{name} is {text:?}: it is a whole number from {least} to {most}"
                ));
                default
            }
        }
    }

    pub fn secret(&mut self, name: &str) -> Option<String> {
        let secret = self.text(name)?;
        if secret.len() < 32 {
            self.problems.push(format!(
                "{name} has {} bytes: it needs at least 32",
                secret.len()
            ));
        }
        Some(secret)
    }

    pub fn database_url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        if url.parse::<tokio_postgres::Config>().is_err() {
            // The error may quote the URL and its password.
            self.problems.push(format!(
                "{name} can't be read: write postgres://user:password@host:5432/database, with sslmode prefer, require or disable"
            ));
        }
        Some(url)
    }
}
