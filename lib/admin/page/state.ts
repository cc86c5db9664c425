import { computed, signal } from '@preact/signals';
import type { EntityView, RowsPage, RowView } from '../api/admin-responses.js';
import { keep, needsKey, of, read, Refusal } from './api.js';
import { say } from './texts.js';

/** The address of the view of the purge, which no entity can have. */
export const PURGE = '~purge';

export interface Toast {
  readonly text: string;
  readonly undo?: () => Promise<void>;
}

export const UNFILTERED = { q: '', actor: '', from: '', to: '', sort: '-deletedAt' };

export const entities = signal<readonly EntityView[] | undefined>(undefined);
export const tab = signal(decodeURIComponent(location.hash.slice(1)));
export const query = signal({ ...UNFILTERED });
export const rows = signal<readonly RowView[]>([]);
export const next = signal<string | null>(null);
export const loading = signal(false);
export const failure = signal('');
export const selected = signal<ReadonlySet<string>>(new Set());
export const toast = signal<Toast | undefined>(undefined);
export const refused = signal(false);

/** The entity whose rows are shown. */
export const current = computed(() => {
  const list = entities.value ?? [];
  return tab.value === PURGE ? undefined : (list.find(({ entity }) => entity === tab.value) ?? list[0]);
});
export const mayPurge = computed(() => (entities.value ?? []).some(({ can }) => can.includes('purge')));
export const isFiltered = computed(() =>
  Boolean(query.value.q || query.value.actor || query.value.from || query.value.to),
);

// Only the answer to the newest question counts.
const asked = signal<AbortController | undefined>(undefined);

export async function loadEntities(): Promise<void> {
  await attempt(async () => {
    entities.value = await read<EntityView[]>('entities');
    refused.value = false;
  });
}

/** Reads the first page anew, or the one behind what is shown. */
export async function loadRows(more = false): Promise<void> {
  asked.peek()?.abort();
  const shown = current.peek();
  if (!shown) {
    return;
  }
  const controller = new AbortController();
  asked.value = controller;
  loading.value = true;
  await attempt(async () => {
    const page = await read<RowsPage>(
      of(shown.entity, `rows?${parameters(more ? next.peek() : null)}`),
      controller.signal,
    );
    rows.value = more ? [...rows.peek(), ...page.rows] : page.rows;
    next.value = page.next;
    const keys = new Set(rows.peek().map(({ key }) => key));
    selected.value = new Set([...selected.peek()].filter((key) => keys.has(key)));
  });
  if (asked.peek() === controller) {
    loading.value = false;
  }
}

export async function reload(): Promise<void> {
  await Promise.all([loadEntities(), loadRows()]);
}

/** Does something and says what went wrong, if anything did. */
export async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    failure.value = '';
    await work();
  } catch (error) {
    if ((error as Error).name === 'AbortError') {
      return;
    }
    // A guard that returns false answers 403; who may see no entity gets an empty list.
    const isKeyRefused =
      error instanceof Refusal && (error.status === 401 || (error.status === 403 && !entities.peek()));
    if (needsKey && isKeyRefused) {
      signOut();
      refused.value = true;
      return;
    }
    failure.value = explain(error);
  }
}

export function signOut(): void {
  keep('');
  entities.value = undefined;
  rows.value = [];
  next.value = null;
  selected.value = new Set();
  toast.value = undefined;
}

export function explain(error: unknown): string {
  return error instanceof Refusal && [401, 403].includes(error.status)
    ? say('forbidden')
    : say('failed', { message: (error as Error).message });
}

export function select(keys: readonly string[], isSelected: boolean): void {
  const chosen = new Set(selected.peek());
  keys.forEach((key) => (isSelected ? chosen.add(key) : chosen.delete(key)));
  selected.value = chosen;
}

function parameters(after: string | null): URLSearchParams {
  const { q, actor, from, to, sort } = query.peek();
  const given = {
    q: q.trim(),
    actor: actor.trim(),
    from: startOf(from, 0),
    to: startOf(to, 1),
    sort,
    after: after ?? '',
  };
  return new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ''));
}

/** Midnight of a day in the reader's time zone, or of the one after it. */
function startOf(day: string, later: number): string {
  if (!day) {
    return '';
  }
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year!, month! - 1, date! + later).toISOString();
}
