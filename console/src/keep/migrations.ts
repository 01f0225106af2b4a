// The database's form, step by step. A step that was released is never changed: a new one goes behind it.

export const MIGRATIONS: readonly string[] = [
  `
-- One row a process, or a summary. \`id\` is the time in milliseconds times 1000, plus what keeps it apart: its order is that of time.
CREATE TABLE sightings (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  number TEXT NOT NULL,
  action TEXT NOT NULL, detector TEXT NOT NULL, node TEXT NOT NULL,
  pid INTEGER, start_time TEXT,
  count INTEGER NOT NULL, times INTEGER NOT NULL,
  cmdline TEXT NOT NULL, matched TEXT, rule TEXT,
  namespace TEXT, pod TEXT, container TEXT, container_id TEXT, image TEXT,
  user TEXT, repository TEXT, address TEXT, wallet TEXT,
  line TEXT NOT NULL
);
CREATE INDEX sightings_number ON sightings (number);
CREATE INDEX sightings_action ON sightings (action);
CREATE INDEX sightings_detector ON sightings (detector);
CREATE INDEX sightings_node ON sightings (node);
CREATE INDEX sightings_rule ON sightings (rule) WHERE rule IS NOT NULL;
CREATE INDEX sightings_namespace ON sightings (namespace) WHERE namespace IS NOT NULL;
CREATE INDEX sightings_pod ON sightings (pod) WHERE pod IS NOT NULL;
CREATE INDEX sightings_image ON sightings (image) WHERE image IS NOT NULL;
CREATE INDEX sightings_user ON sightings (user) WHERE user IS NOT NULL;
CREATE INDEX sightings_repository ON sightings (repository) WHERE repository IS NOT NULL;
CREATE INDEX sightings_address ON sightings (address) WHERE address IS NOT NULL;
CREATE INDEX sightings_wallet ON sightings (wallet) WHERE wallet IS NOT NULL;
-- What is looked for by a part of it. Without its own copy of the text.
CREATE VIRTUAL TABLE words USING fts5 (text, content='', contentless_delete=1, tokenize='trigram', detail='full');
-- Sums by hour, kept with each row: the pictures need not read the rows.
CREATE TABLE hourly (
  hour INTEGER NOT NULL, namespace TEXT NOT NULL, detector TEXT NOT NULL, action TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (hour, namespace, detector, action)
) WITHOUT ROWID;
-- Kills by day of each pod, user, image and so on.
CREATE TABLE offences (
  kind TEXT NOT NULL, day INTEGER NOT NULL, name TEXT NOT NULL, kills INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (kind, day, name)
) WITHOUT ROWID;
-- How far each log was read. Written with the rows that came of it.
CREATE TABLE positions (source TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
-- What each agent said last of itself, by node, detector and what it is about.
CREATE TABLE agents (
  node TEXT NOT NULL, detector TEXT NOT NULL, topic TEXT NOT NULL, at INTEGER NOT NULL, level TEXT NOT NULL, event TEXT NOT NULL, fields TEXT NOT NULL,
  PRIMARY KEY (node, detector, topic)
) WITHOUT ROWID;
`,
  `
-- Alerts that wait for their target, in their order.
CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, message TEXT NOT NULL, tries INTEGER NOT NULL, next INTEGER NOT NULL);
CREATE INDEX outbox_target ON outbox (target);
-- How much was told of one pod and rule, and the last of it.
CREATE TABLE alert_groups (target TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (target, name)) WITHOUT ROWID;
`,
  `
-- What was done at hubs, with its reason.
CREATE TABLE actions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, namespace TEXT NOT NULL, user TEXT NOT NULL, step TEXT NOT NULL,
  reason TEXT NOT NULL, dry INTEGER NOT NULL, ok INTEGER NOT NULL, result TEXT NOT NULL, undone INTEGER
);
CREATE INDEX actions_user ON actions (namespace, user);
`,
  `
-- A hub's spared ones are few among many, and so are the spared of all hubs.
CREATE INDEX sightings_namespace_action ON sightings (namespace, action) WHERE namespace IS NOT NULL;
`,
];
