//! Tokens of demo people for the command line and GraphiQL. Development only.

use anyhow::{Context, ensure};
use chrono::TimeDelta;
use domain::access::{Role, Scope};
use domain::ids::UserId;

use super::clock::instance_now;
use super::tokens::{self, ServiceToken, UserToken, Validity};
use crate::config::{Config, Environment};
use crate::secrets::DevSecrets;

/// Signs tokens that a development server accepts.
pub struct DemoTokens {
    user_secret: String,
    service_key: String,
    user_issuer: String,
    service_issuer: String,
    audience: String,
}

impl DemoTokens {
    /// Takes the keys from configuration and secrets. Fails in production.
    pub fn new(config: &Config, secrets: &DevSecrets) -> anyhow::Result<Self> {
        ensure!(
            config.environment == Environment::Development,
            "demo tokens are for development only"
        );
        let auth = &config.auth;
        let first = |list: &[String], name: &str| {
            let first = list.first().cloned();
            first.with_context(|| format!("{name} is empty"))
        };
        Ok(Self {
            user_secret: auth
                .jwt_secret
                .clone()
                .unwrap_or_else(|| secrets.jwt_secret.clone()),
            service_key: secrets.service_key.clone(),
            user_issuer: first(&auth.user_issuers, "JWT_ISSUER")?,
            service_issuer: first(&auth.service_issuers, "TRUSTED_ISSUERS")?,
            audience: first(&auth.audiences, "JWT_AUDIENCE")?,
        })
    }

    /// Role of a demo person by name; none for users. A controller is the second person of FINANCE, a supervisor of ADMIN.
    #[must_use]
    pub fn role_of(name: &str) -> Option<Role> {
        match name {
            "controller" => Some(Role::Finance),
            "supervisor" => Some(Role::Admin),
            name => Role::parse(name),
        }
    }

    /// A token of a demo person.
    pub fn person(
        &self,
        name: &str,
        user_id: UserId,
        lifetime: TimeDelta,
    ) -> anyhow::Result<String> {
        let roles: Vec<Role> = Self::role_of(name)
            .into_iter()
            .chain([Role::User])
            .collect();
        let token = UserToken {
            issuer: &self.user_issuer,
            audience: &self.audience,
            user_id,
            roles: &roles,
            name: Some(name),
            merchant_id: None,
            advertiser_id: None,
            validity: from_now(lifetime),
        };
        tokens::mint_user(&self.user_secret, &token)
    }

    /// A token of a service with all scopes.
    pub fn service(&self, lifetime: TimeDelta) -> anyhow::Result<String> {
        let token = ServiceToken {
            issuer: &self.service_issuer,
            audience: &self.audience,
            subject: db::demo::SERVICE_SUBJECT,
            scopes: &Scope::ALL,
            validity: from_now(lifetime),
        };
        tokens::mint_service(&self.service_key, &token)
    }
}

fn from_now(lifetime: TimeDelta) -> Validity {
    Validity {
        from: instance_now(),
        lifetime,
    }
}
