import { type Case, DELETING, READING, REMEMBERING, RESTORING } from './cases.js';

export interface Chapter {
  readonly title: string;
  readonly cases: readonly Case[];
}

export const CHAPTERS: readonly Chapter[] = [
  { title: 'Deleting', cases: DELETING },
  { title: 'Reading', cases: READING },
  { title: 'Memory', cases: REMEMBERING },
  { title: 'Restoring', cases: RESTORING },
];
