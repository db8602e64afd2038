import type { App } from '../../app/app.ts';
import { PairScreen } from './screen.tsx';

/** Also of a service that has no pair: it says how to begin. */
export const openPair = (app: App, vpn: string): void => app.push(new PairScreen(app, vpn));
