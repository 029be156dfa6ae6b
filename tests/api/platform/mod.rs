mod node;
mod server_info;
mod viewer;
