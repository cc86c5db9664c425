import { signal } from '@preact/signals';
import type { RowView } from '../api/admin-responses.js';
import { current } from './state.js';

/** What a dialog is open about. */
export interface Open {
  readonly what: 'row' | 'restore' | 'remove' | 'hold';
  readonly entity: string;
  readonly rows: readonly RowView[];
}

export const open = signal<Open | undefined>(undefined);

export function openDialog(what: Open['what'], rows: readonly RowView[]): void {
  open.value = { what, entity: current.peek()!.entity, rows };
}
