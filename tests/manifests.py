"""Manifests that tests of the program itself share."""

RECYCLE = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: archive}
spec:
  capacity: {storage: 5Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Recycle
  nfs: {server: nfs.example.com, path: /archive}
"""
"""A volume with one finding: `recycle-reclaim-policy`, an error in line 7."""
CLEAN = RECYCLE.replace("Recycle", "Retain")
