import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { html } from './html.js';
import { say } from './texts.js';

interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** Gives the focus to the tab that is shown, where what had it is gone: the keyboard goes on from there. */
export function focusTab(): void {
  document.querySelector<HTMLElement>('nav [aria-current]')?.focus();
}

/** A modal dialog: the browser keeps the focus inside, closes it by Escape, and gives the focus back. */
export function Dialog({ title, close, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement as HTMLElement | null;
    dialog.showModal();
    return () => {
      dialog.close();
      // The row that it was about may be gone.
      if (before?.isConnected) {
        before.focus();
      } else {
        focusTab();
      }
    };
  }, []);
  return html`<dialog
    ref=${element}
    aria-labelledby="dialog-title"
    onCancel=${(event: Event) => {
      event.preventDefault();
      close();
    }}
  >
    <div class="dialog-head">
      <h2 id="dialog-title">${title}</h2>
      <button class="plain" aria-label=${say('close')} onClick=${close}>×</button>
    </div>
    ${children}
  </dialog>`;
}
