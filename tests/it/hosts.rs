//! Errand as a process: started, stopped, killed, without a queue and with one.
