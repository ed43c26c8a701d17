"""Agents that leave: raw observations in, the environment's own actions out; latency; watching."""
