/**
 * Every text of the admin page. `{…}` stands for a value. `singular | plural` has the form for one and the form for any other number.
 *
 * @publicApi
 */
export interface AdminTexts {
  /** The language of the page and of its dates and numbers, as BCP 47 names it. */
  language: string;
  title: string;
  entities: string;
  purge: string;
  search: string;
  searchHint: string;
  from: string;
  to: string;
  sort: string;
  newest: string;
  oldest: string;
  sortBy: string;
  sortByDescending: string;
  row: string;
  deleted: string;
  by: string;
  byWhom: string;
  purged: string;
  alongside: string;
  actions: string;
  never: string;
  dueNow: string;
  inDays: string;
  alone: string;
  others: string;
  many: string;
  held: string;
  selectAll: string;
  selectRow: string;
  selected: string;
  clear: string;
  restore: string;
  restoreRows: string;
  restoreBoth: string;
  remove: string;
  removeRows: string;
  hold: string;
  holdRows: string;
  holdHint: string;
  holdName: string;
  holdPlaced: string;
  holds: string;
  heldSince: string;
  heldSinceBy: string;
  release: string;
  holdReleased: string;
  reason: string;
  reasonOptional: string;
  cancel: string;
  close: string;
  more: string;
  loading: string;
  empty: string;
  emptyHint: string;
  nothingFound: string;
  nothingFoundHint: string;
  noEntities: string;
  comesBack: string;
  nothingComesBack: string;
  cannotComeBack: string;
  uniqueConflict: string;
  uniqueHidden: string;
  uniqueTogether: string;
  parentDeleted: string;
  otherConflict: string;
  wayOutUnique: string;
  wayOutParent: string;
  restored: string;
  undo: string;
  undone: string;
  removed: string;
  removeWarning: string;
  removeGoes: string;
  removeBlocked: string;
  confirmCount: string;
  unit: string;
  blockedBy: string;
  blockedByItem: string;
  notBlocked: string;
  history: string;
  recordDeleted: string;
  recordRestored: string;
  recordHardDeleted: string;
  recordPurged: string;
  recordArchived: string;
  recordErased: string;
  recordHeld: string;
  recordReleased: string;
  recordRows: string;
  purgeIntro: string;
  retention: string;
  due: string;
  blocked: string;
  forever: string;
  days: string;
  preview: string;
  previewNothing: string;
  previewGoes: string;
  keepsOthers: string;
  heldDue: string;
  braked: string;
  runPurge: string;
  purgeDone: string;
  lastRuns: string;
  key: string;
  keyHint: string;
  signIn: string;
  signOut: string;
  refused: string;
  forbidden: string;
  failed: string;
  unreachable: string;
  retry: string;
}

/** @internal */
export const ENGLISH: AdminTexts = {
  language: 'en',
  title: 'Deleted rows',
  entities: 'Entities',
  purge: 'Purge',
  search: 'Search',
  searchHint: 'Press / to search',
  from: 'Deleted from',
  to: 'Deleted until',
  sort: 'Sort',
  newest: 'Deleted last',
  oldest: 'Deleted first',
  sortBy: '{column}, ascending',
  sortByDescending: '{column}, descending',
  row: 'Row',
  deleted: 'Deleted',
  by: 'By',
  byWhom: 'Deleted by',
  purged: 'Purge',
  alongside: 'Goes along',
  actions: 'Actions',
  never: 'never',
  dueNow: 'due now',
  inDays: 'in {count} day | in {count} days',
  alone: 'alone',
  others: '{count} more row | {count} more rows',
  many: 'many rows',
  held: 'held',
  selectAll: 'Select all rows shown',
  selectRow: 'Select {label}',
  selected: '{count} row selected | {count} rows selected',
  clear: 'Clear selection',
  restore: 'Restore',
  restoreRows: 'Restore {count} row | Restore {count} rows',
  restoreBoth: 'Restore with parents',
  remove: 'Remove for good',
  removeRows: 'Remove {count} row for good | Remove {count} rows for good',
  hold: 'Hold',
  holdRows: 'Hold {count} row | Hold {count} rows',
  holdHint: 'Rows under a hold, and what belongs to them, cannot be removed for good until it is released.',
  holdName: 'Name of the hold',
  holdPlaced: 'Hold placed',
  holds: 'Holds',
  heldSince: 'since {since}',
  heldSinceBy: 'since {since}, placed by {actor}',
  release: 'Release',
  holdReleased: 'Hold released',
  reason: 'Reason',
  reasonOptional: 'Reason (optional)',
  cancel: 'Cancel',
  close: 'Close',
  more: 'Show more',
  loading: 'Loading …',
  empty: 'Nothing is deleted here',
  emptyHint: 'Rows that somebody deletes appear here until they are purged.',
  nothingFound: 'Nothing found',
  nothingFoundHint: 'No deleted row matches the search.',
  noEntities: 'You may not see any entity.',
  comesBack: 'This comes back:',
  nothingComesBack: 'Nothing comes back: somebody has restored or removed it in the meantime.',
  cannotComeBack: 'It cannot come back yet',
  uniqueConflict: '{entity} {key}: the {properties} is in use by the active {entity} {conflictingKey}.',
  uniqueHidden: '{entity} {key}: a value is in use already ({constraint}).',
  uniqueTogether: '{entity} {key} and {conflictingKey} have the same {properties}, and only one of them can be active.',
  parentDeleted: '{entity} {key} belongs to {conflictingEntity} {conflictingKey}, which is deleted.',
  otherConflict: '{entity} {key}: {reason}.',
  wayOutUnique: 'Change or delete the row that is in the way, then try again.',
  wayOutParent: 'Restore both together.',
  restored: '{count} row restored | {count} rows restored',
  undo: 'Undo',
  undone: '{count} row deleted again | {count} rows deleted again',
  removed: '{count} row removed for good | {count} rows removed for good',
  removeWarning: 'This cannot be undone.',
  removeGoes: 'This goes for good:',
  removeBlocked: 'It cannot go yet',
  confirmCount: 'Type {total} to confirm',
  unit: 'Deleted together',
  blockedBy: 'What keeps it from being removed',
  blockedByItem: '{rows} row of {table} ({constraint}) | {rows} rows of {table} ({constraint})',
  notBlocked: 'Nothing.',
  history: 'History',
  recordDeleted: 'Deleted',
  recordRestored: 'Restored',
  recordHardDeleted: 'Removed for good',
  recordPurged: 'Purged',
  recordArchived: 'Archived',
  recordErased: 'Erased',
  recordHeld: 'Held',
  recordReleased: 'Hold released',
  recordRows: '{count} row of {entity} | {count} rows of {entity}',
  purgeIntro: 'A purge removes the rows whose retention is over, for good.',
  retention: 'Kept',
  due: 'Due',
  blocked: 'Blocked',
  forever: 'forever',
  days: '{count} day | {count} days',
  preview: 'Preview',
  previewNothing: 'Nothing would be removed.',
  previewGoes: '{count} row would be removed for good: | {count} rows would be removed for good:',
  keepsOthers: 'What blocks the other due rows',
  heldDue: '{count} due row is under a hold | {count} due rows are under a hold',
  braked:
    '{count} row is due, more than the limit of {limit}: it is not removed | {count} rows are due, more than the limit of {limit}: none of them is removed',
  runPurge: 'Purge now',
  purgeDone: '{count} row purged | {count} rows purged',
  lastRuns: 'Last purges',
  key: 'Key',
  keyHint: 'The page keeps it until this tab is closed.',
  signIn: 'Sign in',
  signOut: 'Sign out',
  refused: 'The server does not accept this key.',
  forbidden: 'You may not do this.',
  failed: 'That did not work: {message}',
  unreachable: 'The server cannot be reached.',
  retry: 'Try again',
};
