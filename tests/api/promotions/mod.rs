mod campaign_commands;
mod campaigns;
