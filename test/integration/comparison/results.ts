import type { Case } from './cases.js';
import type { Subject } from './subjects.js';

/** Whether a case holds; `–` where the subject offers no such operation. */
export type Result = 'yes' | 'no' | '–';

export type Results = ReadonlyMap<Subject, ReadonlyMap<Case, Result>>;
