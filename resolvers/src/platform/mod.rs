//! The platform: people, audit log, approvals, configuration, jobs, the server.

pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod configuration;
pub(crate) mod job;
pub(crate) mod loaders;
pub(crate) mod nodes;
pub(crate) mod server;
pub(crate) mod users;

use domain::access::Action;

use crate::node::RegisteredNode;
use crate::user_errors::RegisteredUserError;

pub(crate) const NODES: &[RegisteredNode] = &[
    RegisteredNode::new::<users::User>(),
    RegisteredNode::new::<approval::objects::Approval>(),
    RegisteredNode::new::<audit::objects::AuditLogEntry>(),
    RegisteredNode::new::<job::objects::Job>(),
];

pub(crate) const USER_ERRORS: &[RegisteredUserError] = &[
    RegisteredUserError::new::<approval::refusals::ApprovalUserError>(),
    RegisteredUserError::new::<configuration::refusals::ConfigurationUserError>(),
];

pub(crate) const ENTITIES: &[audit::Entity] = &[
    audit::Entity::of::<users::User>("user"),
    audit::Entity::of::<approval::objects::Approval>("approval"),
];

pub(crate) const REQUIRES: &[(&str, Action)] = &[
    ("Query.auditLog", Action::AuditLogRead),
    ("Query.approvals", Action::ApprovalsRead),
    ("Query.jobs", Action::JobsRead),
    ("Query.systemConfiguration", Action::ConfigurationRead),
    ("User.kycCompletedAt", Action::UserRead),
];
