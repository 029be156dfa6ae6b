mod acquisitions;
mod campaign_commands;
mod campaigns;
mod live;
mod redemptions;
mod revocations;
mod statistics;
mod vouchers;
