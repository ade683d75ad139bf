import { useState } from 'react'
import { Button } from '~/kit/button'
import { Diff } from '~/kit/code'
import { Dialog } from '~/kit/dialog'
import { Ago } from '~/kit/time'
import { edited, type Doc } from './document'

type Props = {
  /** What somebody else saved, and what is here. */
  theirs: Doc
  mine: Doc
  onClose: () => void
  /** Drops what is here. */
  onTake: () => void
  /** Saves what is here in place of theirs. */
  onKeep: () => Promise<unknown>
  /** Goes on with what is here, as a change of theirs. */
  onMerge: () => void
}

/** ConflictDialog shows two saves of one pipeline, and lets one of them win. */
export function ConflictDialog({ theirs, mine, onClose, onTake, onKeep, onMerge }: Props) {
  const [busy, setBusy] = useState(false)
  const keep = async () => {
    setBusy(true)
    await onKeep().finally(() => setBusy(false))
  }
  const text = (d: Doc) => JSON.stringify(edited(d), null, 2)
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Somebody else saved this pipeline"
      footer={
        <>
          <Button kind="danger" onClick={onTake}>
            Take theirs, drop mine
          </Button>
          <Button onClick={onMerge}>Merge in the text</Button>
          <Button kind="primary" busy={busy} onClick={() => void keep()}>
            Keep mine, replace theirs
          </Button>
        </>
      }
    >
      <p>
        {String(theirs.lastModifiedBy ?? 'Somebody')} saved it <Ago at={Number(theirs.updateTs) || undefined} />. Lines with − are only in theirs, lines with + only in yours. Whatever you choose, both stay in its history once they are saved.
      </p>
      <Diff before={text(theirs)} after={text(mine)} label="Theirs and yours" />
    </Dialog>
  )
}
