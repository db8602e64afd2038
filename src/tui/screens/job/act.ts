import type { App } from '../../app/app.ts';
import { asTold } from '../../data/told.ts';
import { confirm } from '../../overlays/confirm.ts';
import { openJob } from './open.ts';

export const cancelJob = (app: App, job: { readonly id: string; readonly title: string }): void =>
  confirm(app, {
    title: 'Cancel',
    text: `“${job.title}” is taken back where it has not begun, and ended where it runs.`,
    yes: 'cancel the job',
    run: () =>
      void app.perform(() => app.client.call('job.cancel', { job: job.id }), 'The job is cancelled.'),
  });

export const retryJob = async (app: App, id: string): Promise<void> => {
  try {
    const fresh = await app.client.call('job.retry', { job: id });
    openJob(app, fresh.id);
  } catch (thrown) {
    app.toasts.failed(asTold(thrown));
  }
};
