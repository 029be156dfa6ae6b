mod jobs;
mod node;
mod server_info;
mod viewer;
