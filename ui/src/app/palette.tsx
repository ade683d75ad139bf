export default function Palette({ onClose }: { app: string | undefined; onClose: () => void }) {
  onClose()
  return null
}
