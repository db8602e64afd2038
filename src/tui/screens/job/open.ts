import type { App } from '../../app/app.ts';
import { JobScreen } from './screen.tsx';

export const openJob = (app: App, id: string): void => app.push(new JobScreen(app, id));
