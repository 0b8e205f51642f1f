/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: sqlgrey
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `config`
--

DROP TABLE IF EXISTS `config`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `config` (
  `parameter` varchar(255) NOT NULL,
  `value` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`parameter`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `config`
--

LOCK TABLES `config` WRITE;
/*!40000 ALTER TABLE `config` DISABLE KEYS */;
/*!40000 ALTER TABLE `config` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `connect`
--

DROP TABLE IF EXISTS `connect`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `connect` (
  `sender_name` varchar(64) NOT NULL,
  `sender_domain` varchar(255) NOT NULL,
  `src` varchar(39) NOT NULL,
  `rcpt` varchar(255) NOT NULL,
  `first_seen` timestamp NOT NULL,
  KEY `connect_idx` (`src`,`sender_domain`,`sender_name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `connect`
--

LOCK TABLES `connect` WRITE;
/*!40000 ALTER TABLE `connect` DISABLE KEYS */;
INSERT INTO `connect` (`sender_name`, `sender_domain`, `src`, `rcpt`, `first_seen`) VALUES ('ann.sender+news','example.org','192.0.2.17','bob@example.net','2025-11-24 16:00:00');
INSERT INTO `connect` (`sender_name`, `sender_domain`, `src`, `rcpt`, `first_seen`) VALUES ('-undef-','-undef-','192.0.2','bob@example.net','2025-11-24 16:01:00');
INSERT INTO `connect` (`sender_name`, `sender_domain`, `src`, `rcpt`, `first_seen`) VALUES ('o\'brien, \"pat\"','example.org','198.51.100.9','bob@example.net','2025-11-24 16:02:00');
INSERT INTO `connect` (`sender_name`, `sender_domain`, `src`, `rcpt`, `first_seen`) VALUES ('back\\slash','example.org','2001:0db8:0000:0000:0000:0000:0001:0025','bob@example.net','2025-11-24 16:03:00');
/*!40000 ALTER TABLE `connect` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `domain_awl`
--

DROP TABLE IF EXISTS `domain_awl`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `domain_awl` (
  `sender_domain` varchar(255) NOT NULL,
  `src` varchar(39) NOT NULL,
  `first_seen` timestamp NOT NULL,
  `last_seen` timestamp NOT NULL,
  PRIMARY KEY (`src`,`sender_domain`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `domain_awl`
--

LOCK TABLES `domain_awl` WRITE;
/*!40000 ALTER TABLE `domain_awl` DISABLE KEYS */;
INSERT INTO `domain_awl` (`sender_domain`, `src`, `first_seen`, `last_seen`) VALUES ('example.com','2001:0db8:0000:0001','2025-11-13 02:13:20','2025-11-24 16:00:00');
INSERT INTO `domain_awl` (`sender_domain`, `src`, `first_seen`, `last_seen`) VALUES ('example.org','203.0.113.7','2025-11-13 02:13:20','2025-11-24 18:00:00');
/*!40000 ALTER TABLE `domain_awl` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `from_awl`
--

DROP TABLE IF EXISTS `from_awl`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `from_awl` (
  `sender_name` varchar(64) NOT NULL,
  `sender_domain` varchar(255) NOT NULL,
  `src` varchar(39) NOT NULL,
  `first_seen` timestamp NOT NULL,
  `last_seen` timestamp NOT NULL,
  PRIMARY KEY (`src`,`sender_domain`,`sender_name`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `from_awl`
--

LOCK TABLES `from_awl` WRITE;
/*!40000 ALTER TABLE `from_awl` DISABLE KEYS */;
INSERT INTO `from_awl` (`sender_name`, `sender_domain`, `src`, `first_seen`, `last_seen`) VALUES ('ann.sender','example.org','192.0.2','2025-11-13 02:13:20','2025-11-24 16:00:00');
INSERT INTO `from_awl` (`sender_name`, `sender_domain`, `src`, `first_seen`, `last_seen`) VALUES ('bounce-#','lists.example.com','192.0.2','2025-11-13 02:13:20','2025-11-24 17:00:00');
INSERT INTO `from_awl` (`sender_name`, `sender_domain`, `src`, `first_seen`, `last_seen`) VALUES ('root','-undef-','203.0.113.7','2025-11-13 02:13:20','2025-11-24 16:00:00');
/*!40000 ALTER TABLE `from_awl` ENABLE KEYS */;
UNLOCK TABLES;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-11-24 20:38:26
