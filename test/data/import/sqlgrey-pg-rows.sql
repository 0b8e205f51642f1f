--
-- PostgreSQL database dump
--

\restrict Kkk

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: config; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.config (
    parameter character varying(255) NOT NULL,
    value character varying(255)
);



--
-- Name: connect; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.connect (
    sender_name character varying(64) NOT NULL,
    sender_domain character varying(255) NOT NULL,
    src character varying(39) NOT NULL,
    rcpt character varying(255) NOT NULL,
    first_seen timestamp without time zone NOT NULL
);



--
-- Name: domain_awl; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.domain_awl (
    sender_domain character varying(255) NOT NULL,
    src character varying(39) NOT NULL,
    first_seen timestamp without time zone NOT NULL,
    last_seen timestamp without time zone NOT NULL
);



--
-- Name: from_awl; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.from_awl (
    sender_name character varying(64) NOT NULL,
    sender_domain character varying(255) NOT NULL,
    src character varying(39) NOT NULL,
    first_seen timestamp without time zone NOT NULL,
    last_seen timestamp without time zone NOT NULL
);



--
-- Data for Name: config; Type: TABLE DATA; Schema: public; Owner: postgres
--

INSERT INTO public.config (parameter, value) VALUES
	('version', '4');


--
-- Data for Name: connect; Type: TABLE DATA; Schema: public; Owner: postgres
--

INSERT INTO public.connect (sender_name, sender_domain, src, rcpt, first_seen) VALUES
	('ann.sender+news', 'example.org', '192.0.2.17', 'bob@example.net', '2025-11-24 16:00:00'),
	('-undef-', '-undef-', '192.0.2', 'bob@example.net', '2025-11-24 16:01:00'),
	('o''brien, "pat"', 'example.org', '198.51.100.9', 'bob@example.net', '2025-11-24 16:02:00');
INSERT INTO public.connect (sender_name, sender_domain, src, rcpt, first_seen) VALUES
	('back\slash', 'example.org', '2001:0db8:0000:0000:0000:0000:0001:0025', 'bob@example.net', '2025-11-24 16:03:00');


--
-- Data for Name: domain_awl; Type: TABLE DATA; Schema: public; Owner: postgres
--

INSERT INTO public.domain_awl (sender_domain, src, first_seen, last_seen) VALUES
	('example.com', '2001:0db8:0000:0001', '2025-11-13 02:13:20', '2025-11-24 16:00:00'),
	('example.org', '203.0.113.7', '2025-11-13 02:13:20', '2025-11-24 18:00:00');


--
-- Data for Name: from_awl; Type: TABLE DATA; Schema: public; Owner: postgres
--

INSERT INTO public.from_awl (sender_name, sender_domain, src, first_seen, last_seen) VALUES
	('ann.sender', 'example.org', '192.0.2', '2025-11-13 02:13:20', '2025-11-24 16:00:00'),
	('bounce-#', 'lists.example.com', '192.0.2', '2025-11-13 02:13:20', '2025-11-24 17:00:00'),
	('root', '-undef-', '203.0.113.7', '2025-11-13 02:13:20', '2025-11-24 16:00:00');


--
-- Name: config config_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.config
    ADD CONSTRAINT config_pkey PRIMARY KEY (parameter);


--
-- Name: domain_awl domain_awl_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.domain_awl
    ADD CONSTRAINT domain_awl_pkey PRIMARY KEY (src, sender_domain);


--
-- Name: from_awl from_awl_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.from_awl
    ADD CONSTRAINT from_awl_pkey PRIMARY KEY (src, sender_domain, sender_name);


--
-- Name: connect_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX connect_idx ON public.connect USING btree (src, sender_domain, sender_name);


--
-- PostgreSQL database dump complete
--

\unrestrict Kkk

