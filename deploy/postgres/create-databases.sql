-- Run once, when the volume is new. On Kafka there is no database for the log.
CREATE DATABASE profile;
CREATE DATABASE orders;
CREATE DATABASE engagement;
CREATE DATABASE support;
CREATE DATABASE recommend;
