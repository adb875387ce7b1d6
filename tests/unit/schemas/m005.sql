BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'studio','m001_studio','2026-11-23 03:32:12.607882+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'studio','m002_state_index','2026-11-23 03:35:50.807027+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'studio','m003_endpoint','2026-11-27 11:51:56.623901+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'studio','m004_use','2026-11-27 12:37:47.658354+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'studio','m005_names','2026-11-27 20:41:46.572297+00:00');
CREATE TABLE account (
        id INTEGER PRIMARY KEY, owner TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('user', 'held', 'spent', 'grants')),
        balance INTEGER NOT NULL DEFAULT 0,
        CHECK (balance >= 0 OR kind = 'grants'),
        UNIQUE (owner, kind)) STRICT;
INSERT INTO "account" VALUES(1,'','grants',-20000);
INSERT INTO "account" VALUES(2,'local','user',18320);
INSERT INTO "account" VALUES(3,'local','held',1260);
INSERT INTO "account" VALUES(4,'local','spent',420);
CREATE TABLE asset (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('upload', 'result')),
        job_id TEXT, position INTEGER NOT NULL DEFAULT 0,
        kind TEXT NOT NULL, mime TEXT NOT NULL, sha256 TEXT NOT NULL, path TEXT NOT NULL,
        bytes INTEGER NOT NULL, width INTEGER, height INTEGER, duration REAL, fps REAL,
        poster TEXT, provider_id TEXT, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL DEFAULT 0,
        CHECK ((role = 'result') = (job_id IS NOT NULL)),
        UNIQUE (job_id, position)) STRICT;
INSERT INTO "asset" VALUES('as_37bb7121d81ad4025d224aacdd2e4064','local','result','2b6a1fbe4287aba33fa14826ea52099c',0,'video','video/mp4','4a2bdb80411f3606780e725e39701902885bee0dfe71d5fd05ca8f887f9b7609','4a/4a2bdb80411f3606780e725e39701902885bee0dfe71d5fd05ca8f887f9b7609.mp4',3787,320,240,2.0,24.0,'4a/4a2bdb80411f3606780e725e39701902885bee0dfe71d5fd05ca8f887f9b7609.poster.jpg','v1',1800000013000,1795783067658);
INSERT INTO "asset" VALUES('as_c077ed49eccf677e6cddb0168cfee42a','local','result','611450c5fa37a90db1ea195bfef70504',0,'video','video/mp4','4a2bdb80411f3606780e725e39701902885bee0dfe71d5fd05ca8f887f9b7609','4a/4a2bdb80411f3606780e725e39701902885bee0dfe71d5fd05ca8f887f9b7609.mp4',3787,320,240,2.0,24.0,'4a/4a2bdb80411f3606780e725e39701902885bee0dfe71d5fd05ca8f887f9b7609.poster.jpg','v1',1800000013000,1795783067658);
CREATE TABLE click (
        owner TEXT NOT NULL, number INTEGER NOT NULL, click_id TEXT, at INTEGER NOT NULL, written TEXT, normalized TEXT,
        PRIMARY KEY (owner, number), UNIQUE (owner, click_id)) STRICT, WITHOUT ROWID;
INSERT INTO "click" VALUES('local',1,NULL,1800000000000,'0000000000000000000000000000000000000000000000000000000000000001','0000000000000000000000000000000000000000000000000000000000000002');
INSERT INTO "click" VALUES('local',2,NULL,1800000033000,NULL,NULL);
INSERT INTO "click" VALUES('local',3,NULL,1800000036000,NULL,NULL);
INSERT INTO "click" VALUES('local',4,NULL,1800000036000,NULL,NULL);
INSERT INTO "click" VALUES('local',5,NULL,1800000039000,NULL,NULL);
INSERT INTO "click" VALUES('local',6,NULL,1800000039000,NULL,NULL);
INSERT INTO "click" VALUES('local',7,NULL,1800000039000,NULL,NULL);
INSERT INTO "click" VALUES('local',8,NULL,1800000039000,NULL,NULL);
INSERT INTO "click" VALUES('local',9,NULL,1800000039000,NULL,NULL);
CREATE TABLE entry (
        txn_id INTEGER NOT NULL REFERENCES txn (id), seq INTEGER NOT NULL,
        account_id INTEGER NOT NULL REFERENCES account (id),
        amount INTEGER NOT NULL CHECK (amount <> 0), balance_after INTEGER NOT NULL,
        PRIMARY KEY (txn_id, seq)) STRICT, WITHOUT ROWID;
INSERT INTO "entry" VALUES(1,0,1,-20000,-20000);
INSERT INTO "entry" VALUES(1,1,2,20000,20000);
INSERT INTO "entry" VALUES(2,0,2,-210,19790);
INSERT INTO "entry" VALUES(2,1,3,210,210);
INSERT INTO "entry" VALUES(3,0,2,-210,19580);
INSERT INTO "entry" VALUES(3,1,3,210,420);
INSERT INTO "entry" VALUES(4,0,3,-210,210);
INSERT INTO "entry" VALUES(4,1,4,210,210);
INSERT INTO "entry" VALUES(5,0,3,-210,0);
INSERT INTO "entry" VALUES(5,1,4,210,420);
INSERT INTO "entry" VALUES(6,0,2,-210,19370);
INSERT INTO "entry" VALUES(6,1,3,210,210);
INSERT INTO "entry" VALUES(7,0,3,-210,0);
INSERT INTO "entry" VALUES(7,1,2,210,19580);
INSERT INTO "entry" VALUES(8,0,2,-210,19370);
INSERT INTO "entry" VALUES(8,1,3,210,210);
INSERT INTO "entry" VALUES(9,0,3,-210,0);
INSERT INTO "entry" VALUES(9,1,2,210,19580);
INSERT INTO "entry" VALUES(10,0,2,-210,19370);
INSERT INTO "entry" VALUES(10,1,3,210,210);
INSERT INTO "entry" VALUES(11,0,2,-210,19160);
INSERT INTO "entry" VALUES(11,1,3,210,420);
INSERT INTO "entry" VALUES(12,0,2,-210,18950);
INSERT INTO "entry" VALUES(12,1,3,210,630);
INSERT INTO "entry" VALUES(13,0,2,-210,18740);
INSERT INTO "entry" VALUES(13,1,3,210,840);
INSERT INTO "entry" VALUES(14,0,2,-210,18530);
INSERT INTO "entry" VALUES(14,1,3,210,1050);
INSERT INTO "entry" VALUES(15,0,2,-210,18320);
INSERT INTO "entry" VALUES(15,1,3,210,1260);
CREATE TABLE hold (
        job_id TEXT PRIMARY KEY, owner TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
        state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'settled', 'released'))) STRICT;
INSERT INTO "hold" VALUES('2b6a1fbe4287aba33fa14826ea52099c','local',210,'settled');
INSERT INTO "hold" VALUES('611450c5fa37a90db1ea195bfef70504','local',210,'settled');
INSERT INTO "hold" VALUES('485bb7fc2200e3a51aac111eda8500e7','local',210,'released');
INSERT INTO "hold" VALUES('3ac48a7565a9f6cd6de4f569141b45f4','local',210,'released');
INSERT INTO "hold" VALUES('1992632f6c546204444ad982cd68a86d','local',210,'held');
INSERT INTO "hold" VALUES('f09ea3dd3b040eb4cb11d5c28fa2477e','local',210,'held');
INSERT INTO "hold" VALUES('3a69f5d9769432d67476f0e7a8aef012','local',210,'held');
INSERT INTO "hold" VALUES('5ed1eba628578392ea8ae083d6fc2a84','local',210,'held');
INSERT INTO "hold" VALUES('9928126a8e4e9a5a9f974b5a0fae8605','local',210,'held');
INSERT INTO "hold" VALUES('7a20b96c81c572e8a2ac44420e1208b2','local',210,'held');
CREATE TABLE job (
        id TEXT PRIMARY KEY,
        seq INTEGER NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        click INTEGER NOT NULL,
        variant INTEGER NOT NULL,
        capability TEXT NOT NULL,
        model TEXT NOT NULL,
        route TEXT NOT NULL,
        pool TEXT NOT NULL,
        slots INTEGER NOT NULL DEFAULT 1,
        duration_key TEXT NOT NULL,
        template TEXT,
        credit_key TEXT NOT NULL,
        params TEXT NOT NULL,
        request TEXT NOT NULL,
        price INTEGER NOT NULL CHECK (price > 0),
        state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'checking', 'running', 'saving',
            'done', 'failed', 'canceled', 'unknown')),
        progress INTEGER NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
        status TEXT NOT NULL DEFAULT '{}',
        error TEXT,
        cancel_asked INTEGER NOT NULL DEFAULT 0,
        step INTEGER NOT NULL DEFAULT 0,
        checkpoint TEXT NOT NULL DEFAULT '{}',
        external_task_id TEXT NOT NULL UNIQUE,
        provider_task_id TEXT UNIQUE,
        outputs TEXT,
        units TEXT,
        version INTEGER NOT NULL DEFAULT 0,
        rev INTEGER NOT NULL,
        next_at INTEGER,
        tries INTEGER NOT NULL DEFAULT 0,
        sends INTEGER NOT NULL DEFAULT 0,
        fence_until REAL,
        absences INTEGER NOT NULL DEFAULT 0,
        doubt_since INTEGER,
        lease_owner TEXT,
        lease_until INTEGER,
        crashes INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        started_at INTEGER,
        ended_at INTEGER,
        took INTEGER, endpoint TEXT,
        CHECK ((progress = 100) = (state = 'done')),
        UNIQUE (owner, click, variant)) STRICT;
INSERT INTO "job" VALUES('2b6a1fbe4287aba33fa14826ea52099c',1,'local',1,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'done',100,'{"code": "done"}',NULL,0,0,'{"expires":1800000061,"step_results":{"lengths":{}}}','ks-e94403a17e42bcb358dd21a0','800000000000000000',NULL,'1.5',8,1795404732620,NULL,0,1,NULL,0,NULL,NULL,NULL,0,1800000000000,1800000013000,1800000001000,1800000013000,12000,'{"id": "text2video", "path": "/v1/videos/text2video", "result": "videos", "pool": "video", "dialect": "legacy", "find": true, "duplicate_refused": true}');
INSERT INTO "job" VALUES('611450c5fa37a90db1ea195bfef70504',2,'local',1,1,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'done',100,'{"code": "done"}',NULL,0,0,'{"expires":1800000061,"step_results":{"lengths":{}}}','ks-e94403a117607d8ec7586f84','800000000000000001',NULL,'1.5',8,1795404732623,NULL,0,1,NULL,0,NULL,NULL,NULL,0,1800000000000,1800000013000,1800000001000,1800000013000,12000,NULL);
INSERT INTO "job" VALUES('485bb7fc2200e3a51aac111eda8500e7',3,'local',2,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'failed',10,'{"code": "failed"}','{"code": "kling_refused", "message": "Kling said no", "next": "Change the request and send it again."}',0,0,'{"expires":1800000094,"step_results":{"lengths":{}}}','ks-e94403a11109e29eb16760b9',NULL,NULL,NULL,3,1795404732627,NULL,0,1,1800000096.0,0,NULL,NULL,NULL,0,1800000033000,1800000034000,NULL,1800000034000,NULL,'{"id": "text2video", "path": "/v1/videos/text2video", "result": "videos", "pool": "video", "dialect": "legacy", "find": true, "duplicate_refused": true}');
INSERT INTO "job" VALUES('3ac48a7565a9f6cd6de4f569141b45f4',4,'local',3,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'canceled',0,'{"code": "canceled"}',NULL,0,0,'{"step_results":{"lengths":{}}}','ks-e94403a1f728a82c70ff6c1a',NULL,NULL,NULL,1,1795404732629,NULL,0,0,NULL,0,NULL,NULL,NULL,0,1800000036000,1800000036000,NULL,1800000036000,NULL,NULL);
INSERT INTO "job" VALUES('1992632f6c546204444ad982cd68a86d',5,'local',4,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'running',20,'{"code": "generating"}',NULL,0,0,'{"expires":1800000097,"step_results":{"lengths":{}}}','ks-e94403a1bce6c7d234fd7e55','800000000000000002',NULL,NULL,4,1795404732633,1800000043000,0,1,NULL,0,NULL,NULL,NULL,0,1800000036000,1800000037000,1800000037000,NULL,NULL,'{"id": "text2video", "path": "/v1/videos/text2video", "result": "videos", "pool": "video", "dialect": "legacy", "find": true, "duplicate_refused": true}');
INSERT INTO "job" VALUES('f09ea3dd3b040eb4cb11d5c28fa2477e',6,'local',5,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'sending',5,'{"code": "preparing"}',NULL,0,0,'{"step_results":{"lengths":{}}}','ks-e94403a17fdb58755fee5a3e',NULL,NULL,NULL,1,1795404732635,1800000039000,0,0,NULL,0,NULL,'h|1|1|x',1,0,1800000039000,1800000039000,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES('3a69f5d9769432d67476f0e7a8aef012',7,'local',6,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'checking',5,'{"code": "preparing"}',NULL,0,0,'{"step_results":{"lengths":{}}}','ks-e94403a12469a738698952c7',NULL,NULL,NULL,2,1795404732638,1800000039000,0,0,NULL,0,NULL,NULL,NULL,0,1800000039000,1800000039000,NULL,NULL,NULL,'{"id": "text2video", "path": "/v1/videos/text2video", "result": "videos", "pool": "video", "dialect": "legacy", "find": true, "duplicate_refused": true}');
INSERT INTO "job" VALUES('5ed1eba628578392ea8ae083d6fc2a84',8,'local',7,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'unknown',5,'{"code": "unknown"}',NULL,0,0,'{"step_results":{"lengths":{}}}','ks-e94403a1a8d3ec8b6680bcc7',NULL,NULL,NULL,3,1795404732642,1800000039000,0,0,NULL,0,NULL,NULL,NULL,0,1800000039000,1800000039000,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES('9928126a8e4e9a5a9f974b5a0fae8605',9,'local',8,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'saving',80,'{"code": "downloading"}',NULL,0,0,'{"step_results":{"lengths":{}}}','ks-e94403a18c687b9d555071d5',NULL,NULL,NULL,3,1795404732646,1800000039000,0,0,NULL,0,NULL,NULL,NULL,0,1800000039000,1800000039000,NULL,NULL,NULL,'{"id": "text2video", "path": "/v1/videos/text2video", "result": "videos", "pool": "video", "dialect": "legacy", "find": true, "duplicate_refused": true}');
INSERT INTO "job" VALUES('7a20b96c81c572e8a2ac44420e1208b2',10,'local',9,0,'text_to_video','kling-v2-6','text2video','video',1,'text_to_video|kling-v2-6|std|5||',NULL,'kling_t2v','{"prompt": "a paper boat", "model_name": "kling-v2-6", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}','{"fields": {"prompt": "a paper boat", "mode": "std", "duration": "5", "aspect_ratio": "16:9", "sound": "off"}}',210,'queued',0,'{"code": "queued"}',NULL,0,0,'{"step_results":{"lengths":{}}}','ks-e94403a162fa1b1d01488bf1',NULL,NULL,NULL,0,1795404732647,1800000039000,0,0,NULL,0,NULL,NULL,NULL,0,1800000039000,1800000039000,NULL,NULL,NULL,NULL);
CREATE TABLE job_event (
        job_id TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL) STRICT;
INSERT INTO "job_event" VALUES('2b6a1fbe4287aba33fa14826ea52099c',1800000000000,'queued','submitted');
INSERT INTO "job_event" VALUES('611450c5fa37a90db1ea195bfef70504',1800000000000,'queued','submitted');
INSERT INTO "job_event" VALUES('2b6a1fbe4287aba33fa14826ea52099c',1800000001000,'sending','preparing');
INSERT INTO "job_event" VALUES('2b6a1fbe4287aba33fa14826ea52099c',1800000001000,'running','generating');
INSERT INTO "job_event" VALUES('611450c5fa37a90db1ea195bfef70504',1800000001000,'sending','preparing');
INSERT INTO "job_event" VALUES('611450c5fa37a90db1ea195bfef70504',1800000001000,'running','generating');
INSERT INTO "job_event" VALUES('2b6a1fbe4287aba33fa14826ea52099c',1800000013000,'saving','downloading');
INSERT INTO "job_event" VALUES('611450c5fa37a90db1ea195bfef70504',1800000013000,'saving','downloading');
INSERT INTO "job_event" VALUES('2b6a1fbe4287aba33fa14826ea52099c',1800000013000,'done','done');
INSERT INTO "job_event" VALUES('611450c5fa37a90db1ea195bfef70504',1800000013000,'done','done');
INSERT INTO "job_event" VALUES('485bb7fc2200e3a51aac111eda8500e7',1800000033000,'queued','submitted');
INSERT INTO "job_event" VALUES('485bb7fc2200e3a51aac111eda8500e7',1800000034000,'sending','preparing');
INSERT INTO "job_event" VALUES('485bb7fc2200e3a51aac111eda8500e7',1800000034000,'failed','Kling said no');
INSERT INTO "job_event" VALUES('3ac48a7565a9f6cd6de4f569141b45f4',1800000036000,'queued','submitted');
INSERT INTO "job_event" VALUES('3ac48a7565a9f6cd6de4f569141b45f4',1800000036000,'canceled','canceled by the owner');
INSERT INTO "job_event" VALUES('1992632f6c546204444ad982cd68a86d',1800000036000,'queued','submitted');
INSERT INTO "job_event" VALUES('1992632f6c546204444ad982cd68a86d',1800000037000,'sending','preparing');
INSERT INTO "job_event" VALUES('1992632f6c546204444ad982cd68a86d',1800000037000,'running','generating');
INSERT INTO "job_event" VALUES('f09ea3dd3b040eb4cb11d5c28fa2477e',1800000039000,'queued','submitted');
INSERT INTO "job_event" VALUES('f09ea3dd3b040eb4cb11d5c28fa2477e',1800000039000,'sending','preparing');
INSERT INTO "job_event" VALUES('3a69f5d9769432d67476f0e7a8aef012',1800000039000,'queued','submitted');
INSERT INTO "job_event" VALUES('3a69f5d9769432d67476f0e7a8aef012',1800000039000,'sending','preparing');
INSERT INTO "job_event" VALUES('3a69f5d9769432d67476f0e7a8aef012',1800000039000,'checking','preparing');
INSERT INTO "job_event" VALUES('5ed1eba628578392ea8ae083d6fc2a84',1800000039000,'queued','submitted');
INSERT INTO "job_event" VALUES('5ed1eba628578392ea8ae083d6fc2a84',1800000039000,'sending','preparing');
INSERT INTO "job_event" VALUES('5ed1eba628578392ea8ae083d6fc2a84',1800000039000,'checking','preparing');
INSERT INTO "job_event" VALUES('5ed1eba628578392ea8ae083d6fc2a84',1800000039000,'unknown','unknown');
INSERT INTO "job_event" VALUES('9928126a8e4e9a5a9f974b5a0fae8605',1800000039000,'queued','submitted');
INSERT INTO "job_event" VALUES('9928126a8e4e9a5a9f974b5a0fae8605',1800000039000,'sending','preparing');
INSERT INTO "job_event" VALUES('9928126a8e4e9a5a9f974b5a0fae8605',1800000039000,'running','preparing');
INSERT INTO "job_event" VALUES('9928126a8e4e9a5a9f974b5a0fae8605',1800000039000,'saving','downloading');
INSERT INTO "job_event" VALUES('7a20b96c81c572e8a2ac44420e1208b2',1800000039000,'queued','submitted');
CREATE TABLE lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
INSERT INTO "lease" VALUES('pump','h|1|1|x',1);
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO "meta" VALUES('first_rev',1795404732607);
INSERT INTO "meta" VALUES('rev',1795404732647);
INSERT INTO "meta" VALUES('secret','687423f2299c892f59d4dbcba5dcbadc304e0ffc91e9a6ac4ba50bbbb5dda4d9');
CREATE TABLE pool (name TEXT PRIMARY KEY, cap INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
INSERT INTO "pool" VALUES('video',3,1);
CREATE TABLE session (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, capability TEXT NOT NULL,
        params TEXT NOT NULL, frozen TEXT NOT NULL, step_results TEXT NOT NULL DEFAULT '{}',
        calls INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT;
INSERT INTO "session" VALUES('se_1','local','multi_elements','{}','{}','{}',1,1,2);
CREATE TABLE txn (
        id INTEGER PRIMARY KEY, idem TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN
            ('grant', 'reserve', 'settle', 'release', 'adjust', 'prepare')),
        job_id TEXT, credit_key TEXT, amount INTEGER NOT NULL CHECK (amount > 0),
        at INTEGER NOT NULL) STRICT;
INSERT INTO "txn" VALUES(1,'grant:local:opening','local','grant',NULL,NULL,20000,1795404732808);
INSERT INTO "txn" VALUES(2,'reserve:2b6a1fbe4287aba33fa14826ea52099c','local','reserve','2b6a1fbe4287aba33fa14826ea52099c','kling_t2v',210,1795404732809);
INSERT INTO "txn" VALUES(3,'reserve:611450c5fa37a90db1ea195bfef70504','local','reserve','611450c5fa37a90db1ea195bfef70504','kling_t2v',210,1795404732810);
INSERT INTO "txn" VALUES(4,'settle:2b6a1fbe4287aba33fa14826ea52099c','local','settle','2b6a1fbe4287aba33fa14826ea52099c','kling_t2v',210,1795404733007);
INSERT INTO "txn" VALUES(5,'settle:611450c5fa37a90db1ea195bfef70504','local','settle','611450c5fa37a90db1ea195bfef70504','kling_t2v',210,1795404733034);
INSERT INTO "txn" VALUES(6,'reserve:485bb7fc2200e3a51aac111eda8500e7','local','reserve','485bb7fc2200e3a51aac111eda8500e7','kling_t2v',210,1795404733056);
INSERT INTO "txn" VALUES(7,'release:485bb7fc2200e3a51aac111eda8500e7','local','release','485bb7fc2200e3a51aac111eda8500e7','kling_t2v',210,1795404733072);
INSERT INTO "txn" VALUES(8,'reserve:3ac48a7565a9f6cd6de4f569141b45f4','local','reserve','3ac48a7565a9f6cd6de4f569141b45f4','kling_t2v',210,1795404733087);
INSERT INTO "txn" VALUES(9,'release:3ac48a7565a9f6cd6de4f569141b45f4','local','release','3ac48a7565a9f6cd6de4f569141b45f4','kling_t2v',210,1795404733097);
INSERT INTO "txn" VALUES(10,'reserve:1992632f6c546204444ad982cd68a86d','local','reserve','1992632f6c546204444ad982cd68a86d','kling_t2v',210,1795404733111);
INSERT INTO "txn" VALUES(11,'reserve:f09ea3dd3b040eb4cb11d5c28fa2477e','local','reserve','f09ea3dd3b040eb4cb11d5c28fa2477e','kling_t2v',210,1795404733166);
INSERT INTO "txn" VALUES(12,'reserve:3a69f5d9769432d67476f0e7a8aef012','local','reserve','3a69f5d9769432d67476f0e7a8aef012','kling_t2v',210,1795404733187);
INSERT INTO "txn" VALUES(13,'reserve:5ed1eba628578392ea8ae083d6fc2a84','local','reserve','5ed1eba628578392ea8ae083d6fc2a84','kling_t2v',210,1795404733202);
INSERT INTO "txn" VALUES(14,'reserve:9928126a8e4e9a5a9f974b5a0fae8605','local','reserve','9928126a8e4e9a5a9f974b5a0fae8605','kling_t2v',210,1795404733230);
INSERT INTO "txn" VALUES(15,'reserve:7a20b96c81c572e8a2ac44420e1208b2','local','reserve','7a20b96c81c572e8a2ac44420e1208b2','kling_t2v',210,1795404733256);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX job_rev ON job (owner, rev);
CREATE INDEX job_seq ON job (owner, seq);
CREATE INDEX job_leased ON job (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX job_event_job ON job_event (job_id);
CREATE INDEX asset_same ON asset (owner, sha256);
CREATE INDEX txn_owner ON txn (owner, id);
CREATE INDEX txn_job ON txn (job_id);
CREATE INDEX entry_account ON entry (account_id, txn_id);
CREATE TRIGGER hold_leaves_once BEFORE UPDATE ON hold
        WHEN old.state <> 'held' OR new.amount <> old.amount
        BEGIN SELECT RAISE(ABORT, 'a hold leaves held once, whole'); END;
CREATE TRIGGER hold_stays BEFORE DELETE ON hold
        BEGIN SELECT RAISE(ABORT, 'holds are never deleted'); END;
CREATE TRIGGER txn_update_never BEFORE UPDATE ON txn
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER txn_delete_never BEFORE DELETE ON txn
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER entry_update_never BEFORE UPDATE ON entry
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER entry_delete_never BEFORE DELETE ON entry
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE INDEX job_state ON job (state, owner, seq);
CREATE INDEX asset_used ON asset (role, used_at);
CREATE INDEX job_duration ON job (duration_key, ended_at) WHERE state = 'done';
COMMIT;
